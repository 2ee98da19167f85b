import { expect, test } from "vitest";
import { repositoryAt } from "../../bin/pack/manifest.ts";

test.each([
  ["https://example.org/acme/sockets.git", "git+https://example.org/acme/sockets.git"],
  ["https://bot:secret@example.org/acme/sockets.git", "git+https://example.org/acme/sockets.git"],
  ["git@example.org:acme/sockets.git", "git+ssh://git@example.org/acme/sockets.git"],
  ["ssh://git@example.org/acme/sockets.git", "git+ssh://git@example.org/acme/sockets.git"],
])("a package of a clone of %s says so, and no secret", (remote, url) => {
  expect(repositoryAt(remote)).toEqual({ type: "git", url });
});

test.each(["/home/ann/sockets", "../sockets", "file:///home/ann/sockets", ""])(
  "a package of a clone of %j names no folder of the machine that built it",
  (remote) => {
    expect(repositoryAt(remote)).toBeUndefined();
  },
);
