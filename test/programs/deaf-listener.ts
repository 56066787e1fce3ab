/** Listens on a port of loopback with a short queue, says which, and does nothing more: once stopped, the queue fills. */
import { createServer } from 'node:net';

const server = createServer().listen({ port: 0, host: '127.0.0.1', backlog: 1 }, () => {
  const address = server.address();
  console.log(typeof address === 'object' ? address?.port : address);
});
