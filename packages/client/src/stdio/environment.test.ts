import { describe, expect, it } from "vitest";
import { childEnvironment } from "./environment.ts";

const from = {
  PATH: "/bin",
  HOME: "/home/me",
  API_KEY: "secret",
  APPDATA: "C:\\me",
  SHELL: "() { :; }; echo",
};

describe("childEnvironment", () => {
  it("hands on what is on the list, and nothing else", () => {
    expect(childEnvironment({}, [], from, "linux")).toEqual({ PATH: "/bin", HOME: "/home/me" });
    expect(childEnvironment({}, [], from, "win32")).toEqual({ PATH: "/bin", APPDATA: "C:\\me" });
  });

  it("adds what is named and what is given, which is stronger", () => {
    const given = { PATH: "/mine", TOKEN: "t" };
    expect(childEnvironment(given, ["API_KEY", "MISSING"], from, "linux")).toEqual({
      PATH: "/mine",
      HOME: "/home/me",
      API_KEY: "secret",
      TOKEN: "t",
    });
  });
});
