import { describe } from "vitest";
import { askingSuite } from "./sdk-asking.test-support.ts";
import { hostingSuite } from "./sdk-hosting.test-support.ts";
import { lifecycleSuite } from "./sdk-lifecycle.test-support.ts";
import { sdkV2Fixture } from "./sdk-v2.fixture.test-support.ts";
import { hostSdkServer } from "./sdk-v2.ts";

const SDK_V2 = { makeFixture: sdkV2Fixture, hostSdkServer };

describe("a server of SDK v2, hosted", () => {
  hostingSuite(SDK_V2);
  askingSuite(SDK_V2);
  lifecycleSuite(SDK_V2);
});
