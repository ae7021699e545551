// What notepack.io makes of messages, for comparison: notepack.mjs MODULES SEED COUNT
//
// First COUNT lines of random values: the hex of [value], encoded, and what
// JSON.stringify makes of it decoded again, with Buffers as placeholders. Then
// each line of stdin, the hex of a message, as JSON.stringify shows it decoded.
import { createRequire } from "node:module";
import { createInterface } from "node:readline";

const [modules, seed, count] = process.argv.slice(2);
const { encode, decode } = createRequire(modules + "/")("notepack.io");

// mulberry32
let state = Number(seed) >>> 0;
function random() {
  state = (state + 0x6d2b79f5) | 0;
  let t = Math.imul(state ^ (state >>> 15), 1 | state);
  t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
  return ((t ^ (t >>> 14)) >>> 0) / 4294967296;
}
const below = (n) => Math.floor(random() * n);
const pick = (...from) => from[below(from.length)];

function number() {
  // Integers beyond 2^53 are left out: notepack.io loses digits of them.
  const integer = Math.min(Math.floor(2 ** (random() * 54)), Number.MAX_SAFE_INTEGER);
  return pick(integer, -integer, below(300), -below(300), random(), -random() * 1e9, random() * 10 ** (below(30) - 40),
    random() * 1e-300, below(1000) / 8, 0, -0, NaN, Infinity, -Infinity, 65535, 65536, 2 ** 32, -(2 ** 31) - 1);
}

function text() {
  return Array.from({ length: random() < 0.005 ? 70000 : pick(0, 1, 3, 8, 31, 32, 40, 300) }, () =>
    pick("a", "Z", "é", "😀", "\u2028", "\0", "\n", '"', "\\", "/", "ÿ", "\x7f")).join("");
}

function date() {
  return new Date(pick(below(2 ** 31) * 1000, below(2 ** 31) * 1000 + below(1000), -below(2 ** 31) * 1000 - below(1000),
    (random() - 0.5) * 2 * 8.64e15, 8.64e15, -8.64e15, -62167219200000, -62167219200001, 253402300799999, 253402300800000));
}

function value(depth) {
  switch (below(depth > 0 ? 11 : 7)) {
    case 0: return pick(null, undefined, true, false);
    case 1: case 2: return number();
    case 3: case 4: return text();
    case 5: return date();
    case 6: return Buffer.from(Array.from({ length: random() < 0.02 ? 70000 : pick(0, 1, 5, 255, 256) }, () => below(256)));
    case 7: case 8: return Array.from({ length: size() }, () => value(depth - 1));
    // Integers as keys are left out: JavaScript puts them in front.
    default: return Object.fromEntries(Array.from({ length: size() }, (_, i) => ["k" + pick("", "é", "x".repeat(40)) + i, value(depth - 1)]));
  }
}
const size = () => pick(0, 1, 2, 3, 3, 4, 15, 16, 17);

function show(decoded) {
  let attachments = 0;
  const plain = (v) => {
    if (Buffer.isBuffer(v)) {
      return { _placeholder: true, num: attachments++ };
    }
    if (Array.isArray(v)) {
      return v.map(plain);
    }
    if (v && typeof v === "object" && !(v instanceof Date)) {
      return Object.fromEntries(Object.entries(v).map(([k, x]) => [k, plain(x)]));
    }
    return v;
  };
  return JSON.stringify(plain(decoded));
}

const lines = [];
for (let i = 0; i < Number(count); i++) {
  const encoded = encode([value(below(4) === 0 ? 3 : 2)]);
  lines.push(encoded.toString("hex") + " " + show(decode(encoded)));
}
for await (const line of createInterface({ input: process.stdin })) {
  lines.push(show(decode(Buffer.from(line, "hex"))));
}
process.stdout.write(lines.map((l) => l + "\n").join(""));
