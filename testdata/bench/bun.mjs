// The chat on socket.io with Bun's engine and its defaults. It names its address on stderr.
// BENCH_TLS names a folder with cert.pem and key.pem.
import { Server as Engine } from '@socket.io/bun-engine';
import { Server } from 'socket.io';
import { chat } from './chat.mjs';

const io = new Server();
const engine = new Engine({ path: '/socket.io/' });
io.bind(engine);
chat(io);

const folder = process.env.BENCH_TLS;
const tls = folder && { cert: Bun.file(`${folder}/cert.pem`), key: Bun.file(`${folder}/key.pem`) };
const server = Bun.serve({ hostname: '127.0.0.1', port: 0, tls, ...engine.handler() });
console.error(`listening on 127.0.0.1:${server.port}`);
