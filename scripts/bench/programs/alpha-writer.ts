/** Writes so many lines to the alpha bus of a home. */
import { join } from 'node:path';
import { createChain } from '../../../src/bus/chain.ts';
import { BusWriter } from '../../../src/bus/writer.ts';
import { createEventId } from '../../../src/model/event-id.ts';
import { createEntityId } from '../../../src/model/id.ts';

const [, , home = '', lines = '0'] = process.argv;
const entity = createEntityId('JOB');
const metaJson = JSON.stringify({ v: 1, entity_id: entity, host: 'bench', pid: process.pid });
const dataJson = JSON.stringify({ text: 'what happened '.repeat(10) });
using writer = BusWriter.open({
  busDir: join(home, '_bus'),
  runDir: join(home, 'run'),
  chain: createChain(),
  segmentBytes: 1e12,
  backlog: { maxCount: 10_000, maxBytes: 16e6 },
});
for (let n = 0; n < Number(lines); n += 1) {
  const atMs = Date.now();
  const ts = new Date(atMs).toISOString();
  writer.write({ ts, type: 'note', entity, id: createEventId(atMs), metaJson, dataJson });
}
