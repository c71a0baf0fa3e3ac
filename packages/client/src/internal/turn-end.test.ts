import { afterEach, describe, expect, it } from "vitest";
import { atTurnEnd } from "./turn-end.ts";

const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));
const listeners = process.listeners("uncaughtException");

afterEach(() => {
  process.removeAllListeners("uncaughtException");
  for (const listener of listeners) process.on("uncaughtException", listener);
});

describe("the end of a turn", () => {
  it("runs all jobs in the order they came, and not before", async () => {
    const told: string[] = [];
    const job = (name: string) => ({ onTurnEnd: () => void told.push(name) });
    for (const name of ["a", "b", "c"]) atTurnEnd(job(name));
    await Promise.resolve();
    expect(told).toEqual([]);
    await turn();
    expect(told).toEqual(["a", "b", "c"]);
  });

  it("leaves what a job puts off to the next turn", async () => {
    const told: string[] = [];
    const again = { onTurnEnd: () => void told.push("again") };
    atTurnEnd({
      onTurnEnd: () => {
        told.push("first");
        atTurnEnd(again);
      },
    });
    await turn();
    expect(told).toEqual(["first"]);
    await turn();
    expect(told).toEqual(["first", "again"]);
  });

  it("runs the others when one throws against its contract", async () => {
    const thrown: unknown[] = [];
    process.removeAllListeners("uncaughtException");
    process.on("uncaughtException", (error) => thrown.push(error));
    const told: string[] = [];
    const mistake = new Error("a logger of the application");
    atTurnEnd({
      onTurnEnd: () => {
        throw mistake;
      },
    });
    atTurnEnd({ onTurnEnd: () => void told.push("other") });
    await turn();
    await turn();
    expect(thrown).toEqual([mistake]);
    expect(told).toEqual(["other"]);
  });
});
