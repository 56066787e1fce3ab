/** The bare other side: answers each entry of the stream `ping` with one of the stream `pong`, until it is killed. */
import { Redis } from 'ioredis';

const [, , url = ''] = process.argv;
const [reader, writer] = [new Redis(url), new Redis(url)];
let last = '$';
process.stdout.write('ready\n');
for (;;) {
  const reply = await reader.xread('COUNT', 100, 'BLOCK', 2000, 'STREAMS', 'ping', last);
  for (const [, entries] of reply ?? [])
    for (const [id, [, body = '']] of entries) {
      last = id;
      await writer.xadd('pong', '*', 'body', body);
    }
}
