// The document's client in Node, with Node's own WebSocket: 20.10 or later.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { main } from './common.mjs';
import { beside, Lines } from './plain.mjs';

const SCRIPT = fileURLToPath(new URL('../plain/client.js', import.meta.url));
const REDIRECT = new URL('plain-redirect.mjs', import.meta.url).href;

async function start(config) {
  const flags = globalThis.WebSocket ? [] : ['--experimental-websocket'];
  const child = spawn(process.execPath, [...flags, '--import', REDIRECT, SCRIPT], {
    env: { ...process.env, HIPFLASK_TEST_URL: config.url },
    stdio: ['ignore', 'pipe', 'inherit', 'ipc'],
  });
  const exit = once(child, 'exit');
  const closed = once(child, 'message');
  const lines = new Lines();
  createInterface({ input: child.stdout })
    .on('line', (line) => lines.push(line))
    .on('close', () => lines.end());
  return {
    lines,
    async end() {
      const [{ code }] = await closed;
      return code;
    },
    async leave() {
      child.kill();
      await exit;
    },
  };
}

async function inNode(config, report) {
  await beside(config, report, () => start(config));
}

await main(import.meta, inNode);
