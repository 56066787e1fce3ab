import { expect, it } from 'vitest';
import { parseEntityId } from '../../model/id.ts';
import { SentRing } from './sent-ring.ts';
import type { Signal } from './signal.ts';

const JOB = parseEntityId('JOB-b');
const madeAgo = (id: string, ms: number): Signal => ({
  id,
  kind: 'signal',
  name: 'x',
  body: null,
  to: JOB,
  ts: new Date(Date.now() - ms).toISOString(),
});

it('G5: what was sent is brought again only while it is of use, however often it was brought', () => {
  const ring = new SentRing(60_000);
  ring.add([madeAgo('old', 61_000), madeAgo('new', 1_000)], '1-0');
  expect(ring.take(JOB).map(({ id }) => id)).toEqual(['new']);
  ring.add([madeAgo('again', 59_990)], '2-0');
  expect(ring.targets()).toEqual([{ job: JOB, lastId: '2-0' }]);
  ring.add([madeAgo('again', 60_001)], '3-0'); // an hour later, say
  expect(ring.targets()).toEqual([]);
});
