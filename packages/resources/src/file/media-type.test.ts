import { describe, expect, it } from "vitest";
import { typeOfContent, typeOfName } from "./media-type.ts";

const PNG = Buffer.from(
  "89504e470d0a1a0a0000000d49484452000000010000000108060000001f15c489",
  "hex",
);
const ZIP = Buffer.from("504b0304140000000000", "hex");
const PDF = Buffer.from("%PDF-1.7\n%fully ASCII\n");

describe("the type of a file", () => {
  it.each([
    ["a.txt", Buffer.from("text"), "text/plain", true],
    ["a.json", Buffer.from('{"a":"ü"}'), "application/json", true],
    ["a.ts", Buffer.from("export {};"), "text/typescript", true],
    ["team.ics", Buffer.from("BEGIN:VCALENDAR"), "text/calendar", true],
    [
      "logo.svg",
      Buffer.from('<?xml version="1.0"?><svg xmlns="http://www.w3.org/2000/svg"/>'),
      "image/svg+xml",
      true,
    ],
    ["README", Buffer.from("no extension"), "text/plain", true],
    ["empty", Buffer.alloc(0), "text/plain", true],
    ["photo.png", PNG, "image/png", false],
    ["photo.txt", PNG, "image/png", false],
    ["no-extension", PNG, "image/png", false],
    ["fake.png", Buffer.from("not a picture"), "text/plain", true],
    ["a.pdf", PDF, "application/pdf", false],
    [
      "report.docx",
      ZIP,
      "application/vnd.openxmlformats-officedocument.wordprocessingml.document",
      false,
    ],
    ["a.bin", Buffer.of(0, 1, 2, 3), "application/octet-stream", false],
    ["latin1.txt", Buffer.of(0x63, 0x61, 0x66, 0xe9), "application/octet-stream", false],
    ["nul.txt", Buffer.from("a\0b"), "application/octet-stream", false],
    ["cut.txt", Buffer.from("é").subarray(0, 1), "application/octet-stream", false],
  ])("%s", async (name, bytes, mimeType, isText) => {
    expect(await typeOfContent(name, bytes)).toEqual({ mimeType, isText });
  });

  it.each([
    ["a.PNG", "image/png"],
    ["a.tar.gz", "application/gzip"],
    ["noextension", undefined],
    [".gitignore", undefined],
    ["a.constructor", undefined],
    ["a.", undefined],
  ])("is promised by the name %s", (name, mimeType) => {
    expect(typeOfName(name)).toBe(mimeType);
  });
});
