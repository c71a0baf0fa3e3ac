import { createInMemoryTransportPair, isRequestId } from "@backplane/protocol";

const ends = Object.keys(createInMemoryTransportPair());
if (ends.length !== 2 || !isRequestId(1) || isRequestId(null)) throw new Error("no protocol");
