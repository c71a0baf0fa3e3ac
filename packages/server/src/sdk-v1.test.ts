import { describe } from "vitest";
import { askingSuite } from "./sdk-asking.test-support.ts";
import { hostingSuite } from "./sdk-hosting.test-support.ts";
import { lifecycleSuite } from "./sdk-lifecycle.test-support.ts";
import { sdkV1Fixture } from "./sdk-v1.fixture.test-support.ts";
import { hostSdkServer } from "./sdk-v1.ts";

const SDK_V1 = { makeFixture: sdkV1Fixture, hostSdkServer };

describe("a server of SDK v1, hosted", () => {
  hostingSuite(SDK_V1);
  askingSuite(SDK_V1);
  lifecycleSuite(SDK_V1);
});
