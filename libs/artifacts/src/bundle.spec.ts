import { createHash } from "node:crypto";
import { pack } from "tar-stream";
import { readBundle, writeBundle } from "./bundle.js";

const sha256 = (content: string | Buffer) =>
  createHash("sha256").update(content).digest("hex");

async function tar(
  entries: Array<{
    name: string;
    content?: string;
    type?: "file" | "symlink" | "directory";
    linkname?: string;
  }>,
): Promise<Buffer> {
  const stream = pack();
  for (const { content = "", ...header } of entries)
    stream.entry(header, content);
  stream.finalize();
  const chunks: Buffer[] = [];
  for await (const chunk of stream) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks);
}

test("the bytes of a bundle never change: its id is in databases", async () => {
  const bytes = await writeBundle({
    manifest: { files: [{ path: "a.ts", sha256: sha256("x"), bytes: 1 }] },
    files: new Map([["a.ts", Buffer.from("x")]]),
  });
  expect(sha256(bytes)).toMatchInlineSnapshot(
    `"676ab35c1a0e90f03993c3835d7b69a1a86eb7ae05ff734c8ba140a9dcc5b0d1"`,
  );
  expect((await readBundle(bytes)).files.get("a.ts")?.toString()).toBe("x");
});

test.each([
  [
    "a symbolic link",
    [
      { name: "manifest.json", content: "{}" },
      { name: "files/a", type: "symlink" as const, linkname: "/etc/passwd" },
    ],
  ],
  [
    "a folder",
    [
      { name: "manifest.json", content: "{}" },
      { name: "files/a/", type: "directory" as const },
    ],
  ],
  [
    "a path upwards",
    [
      { name: "manifest.json", content: "{}" },
      { name: "files/../../a", content: "x" },
    ],
  ],
  [
    "a file outside files/",
    [
      { name: "manifest.json", content: "{}" },
      { name: "a", content: "x" },
    ],
  ],
  [
    "a file twice",
    [
      { name: "manifest.json", content: "{}" },
      { name: "files/a", content: "x" },
      { name: "files/a", content: "y" },
    ],
  ],
  [
    "a manifest that is not first",
    [
      { name: "files/a", content: "x" },
      { name: "manifest.json", content: "{}" },
    ],
  ],
  ["a manifest that is no JSON", [{ name: "manifest.json", content: "{" }]],
  ["nothing at all", []],
])("refuses %s", async (_what, entries) => {
  await expect(readBundle(await tar(entries))).rejects.toMatchObject({
    code: "artifact-invalid",
  });
});

test("refuses a tar that ends too early, and noise", async () => {
  const whole = await tar([
    { name: "manifest.json", content: "{}" },
    { name: "files/a", content: "x".repeat(2_000) },
  ]);
  await expect(readBundle(whole.subarray(0, 2_500))).rejects.toMatchObject({
    code: "artifact-invalid",
  });
  await expect(readBundle(Buffer.alloc(4_096, "noise"))).rejects.toMatchObject({
    code: "artifact-invalid",
  });
});
