/** Writes lines to the alpha bus of a home until it has written enough or is killed; notes each id once it was written. */
import { openSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { createChain } from '../../../src/bus/chain.ts';
import { BusWriter } from '../../../src/bus/writer.ts';
import { createEventId } from '../../../src/model/event-id.ts';
import { createEntityId } from '../../../src/model/id.ts';

const [, , home = '', lines = '0', acknowledged = ''] = process.argv;
const noted = acknowledged === '' ? undefined : openSync(acknowledged, 'a');
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
  const id = createEventId(atMs);
  writer.write({ ts: new Date(atMs).toISOString(), type: 'note', entity, id, metaJson, dataJson });
  if (noted !== undefined) writeSync(noted, `${id}\n`);
}
