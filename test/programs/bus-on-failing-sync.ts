/**
 * Runs inside a mount namespace of its own: argv[2] is a disk whose own storage, argv[3], is full: it takes writes, and
 * cannot put them on stable storage. Writes to the bus and syncs; prints what it saw as one JSON line.
 */
import { join } from 'node:path';
import { createChain } from '../../src/bus/chain.ts';
import { BusWriter } from '../../src/bus/writer.ts';
import { createEventId } from '../../src/model/event-id.ts';
import { parseEntityId } from '../../src/model/id.ts';

const busDir = join(process.argv[2] ?? '', '_bus');
const entity = parseEntityId('JOB-failing-sync');
const failures: [string, string][] = [];
using writer = BusWriter.open({
  busDir,
  runDir: join(process.argv[2] ?? '', 'run'),
  chain: createChain(),
  segmentBytes: 1e9,
  backlog: { maxCount: 200, maxBytes: 1e6 },
  onSyncFailure: (path, why) => failures.push([path.slice(busDir.length + 1), why]),
});
const dataJson = JSON.stringify({ text: 'x'.repeat(30_000) });
for (let n = 0; n < 50; n += 1) {
  const id = createEventId(Date.now());
  writer.write({ ts: new Date().toISOString(), type: 'tool_call', entity, id, metaJson: '{"v":1}', dataJson });
}
writer.keepBlob('y'.repeat(1_000_000));
await writer.sync();
process.stdout.write(`${JSON.stringify({ failures, count: writer.syncFailureCount, held: writer.heldCount })}\n`);
