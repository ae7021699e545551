// Everything else that JSON can carry.
import { echo, main } from './common.mjs';

export default async function values(config, report) {
  await echo(config, report, [
    ['int', 42],
    ['float', 1.5],
    ['minus zero', -0],
    // notepack.io, the msgpack of socket.io's parser, loses whole numbers from 2^64 on.
    ...config.parser ? [] : [['exponent', 1e21], ['huge', 1e300]],
    ['tiny', 1e-7],
    ['safe', Number.MAX_SAFE_INTEGER],
    ['true', true],
    ['null', null],
    ['not a number', NaN],
    ['object', { user: 'bob', text: "it's", n: 1, f: 1.5, t: true, z: null, l: [1, '2', {}] }],
    ['key order', { z: 1, a: 2, 'with space': 3, '': 4 }],
    ['list', [1, 'two', 3.5, null, true, { a: 1 }]],
    ['empty list', []],
    ['empty object', {}],
    ['deep', [[[[{ a: [{ b: { c: [] } }] }]]]]],
    ['like a placeholder', { _placeholder: 'no', num: 'none' }],
  ]);
}

await main(import.meta, values);
