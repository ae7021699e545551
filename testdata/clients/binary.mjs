// Bytes, alone and nested, which travel beside the JSON as attachments.
import { echo, main } from './common.mjs';

export default async function binary(config, report) {
  const shared = Buffer.from('same');
  await echo(config, report, [
    ['bytes', Buffer.from([0, 1, 2, 0xff, 0x41, 0x27])],
    ['newline', Buffer.from("hello'\n")],
    ['empty', Buffer.alloc(0)],
    ['all', Buffer.from(Array.from({ length: 256 }, (_, i) => i))],
    ['in an object', { name: 'f', data: Buffer.from('xyz') }],
    ['in a list', [Buffer.from('a'), Buffer.from('b')]],
    ['object in a list', [1, { file: { name: 'é', data: Buffer.from([0x80]) } }, 'end']],
    ['some empty', [Buffer.alloc(0), Buffer.from('x'), Buffer.alloc(0)]],
    ['twice the same', [shared, { again: shared }]],
    ['many', Array.from({ length: 10 }, (_, i) => Buffer.from([i]))],
    ['text after bytes', 'still in step'],
  ]);
}

await main(import.meta, binary);
