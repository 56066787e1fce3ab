/** Owns taking out of Qdrant what it has of redacted lines: the point goes, and one made from the tombstone comes. */
import type { BusLine } from '../../bus/line.ts';
import type { LineTarget } from '../../bus/redact/target.ts';
import { MEMORY_TYPES, pointOf } from '../../memory/point.ts';
import type { PointStore, StoreOutcome } from '../../memory/point-store.ts';
import type { RedactCopies, StepOutcome } from './carry-out.ts';

const BATCH_COUNT = 100;

type Fields = Readonly<Record<string, unknown>>;

/** The line as it stands now. */
const tombstoneLine = ({ ts, type, entity, writer, seq, id, h, inner }: LineTarget): BusLine => {
  const { meta, data } = JSON.parse(`{"meta":${inner}}`) as { readonly meta: Fields; readonly data: Fields };
  return { ts, type, entity, writer, seq, id, meta, data, h };
};

const isDone = <T>(outcome: StoreOutcome<T>): outcome is { readonly kind: 'done'; readonly value: T } =>
  outcome.kind === 'done';

const replace = async (
  store: PointStore,
  lines: readonly LineTarget[],
  signal: AbortSignal,
): Promise<StoreOutcome<number>> => {
  const ids = lines.map(({ id }) => id);
  const there = await store.present(ids, signal);
  if (!isDone(there)) return there;
  const some = lines.filter(({ id }) => there.value.has(id));
  const removed = await store.remove(
    some.map(({ id }) => id),
    signal,
  );
  if (!isDone(removed)) return removed;
  const points = some.flatMap((line) => pointOf(tombstoneLine(line)) ?? []);
  const written = await store.write(points, signal);
  return isDone(written) ? { kind: 'done', value: some.length } : written;
};

/** `openStore`: of the Qdrant that is configured. */
export const redactMemory =
  (openStore: () => Promise<PointStore>): RedactCopies =>
  async ({ lines }, signal): Promise<StepOutcome> => {
    const remembered = lines.filter(({ type }) => MEMORY_TYPES.some((one) => one === type));
    const once = [...new Map(remembered.map((line) => [line.id, line])).values()];
    if (once.length === 0) return { kind: 'done', told: '0 points' };
    await using store = await openStore();
    const prepared = await store.prepare(signal);
    if (!isDone(prepared)) return { kind: 'open', why: prepared.why };
    let count = 0;
    for (let from = 0; from < once.length; from += BATCH_COUNT) {
      const outcome = await replace(store, once.slice(from, from + BATCH_COUNT), signal);
      if (!isDone(outcome)) return { kind: 'open', why: outcome.why };
      count += outcome.value;
    }
    return { kind: 'done', told: `${count} ${count === 1 ? 'point' : 'points'}` };
  };
