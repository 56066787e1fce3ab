/** Owns what is said of the collection of memory: its shape, how much is in it, what it lacks. Pure. */
import type { Judgement } from '../../memory/qdrant/collection-shape.ts';
import type { SeenCollection } from '../../memory/qdrant/inspect.ts';
import { counted, degraded, type Finding, info, ok, wrong } from '../finding.ts';

const CHANGED_NEVER = 'Nika does not touch it, and asks the bus. Name another one with qdrant.collection';

const shapeFinding = (name: string, judged: Exclude<Judgement, { kind: 'fits' }>): Finding => {
  if (judged.kind === 'older') {
    const says = `the collection "${name}" is of version ${judged.schema}, which this nika does not write`;
    return wrong('qdrant.collection', says, 'Make it anew from what it holds: nika memory migrate');
  }
  const says = `the collection "${name}" is not as nika writes it: ${judged.why}`;
  const remedy = /update nika/.test(judged.why)
    ? 'Update nika on this machine; until then the bus is asked.'
    : `${CHANGED_NEVER}, or remove it if nobody needs it; then "nika memory rebuild".`;
  return wrong('qdrant.collection', says, remedy);
};

const statusFinding = (name: string, status: string): Finding | undefined => {
  if (status === 'red')
    return wrong(
      'qdrant.status',
      `the collection "${name}" has failed (red)`,
      'See the log of Qdrant, then restart it.',
    );
  if (status !== 'grey') return undefined;
  const says = `the collection "${name}" has waited with its upkeep since a restart (grey): it is slower`;
  return degraded('qdrant.status', says, 'It goes on with the next point that is written: nika memory sync');
};

const fitFindings = (name: string, { info: seen, judged }: SeenCollection): readonly Finding[] => {
  if (judged.kind !== 'fits') return [];
  const { missing, dense } = judged;
  const points = counted(seen.points_count ?? 0, 'point');
  const findings = [ok('qdrant.collection', `"${name}" holds ${points}`)];
  if (missing.length > 0) {
    const says = `the collection "${name}" lacks payload indexes, so counting is slow: ${missing.join(', ')}`;
    findings.push(degraded('qdrant.indexes', says, 'Let them be added: nika memory sync'));
  }
  if (dense.kind === 'unfit') {
    const says = `it is searched by words alone, without memory.embeddings: ${dense.why}`;
    findings.push(degraded('qdrant.dense', says, 'Make the collection anew, with them: nika memory migrate'));
  }
  const status = statusFinding(name, seen.status);
  return status === undefined ? findings : [...findings, status];
};

/** `undefined`: there is no collection. */
export const collectionFindings = (name: string, seen: SeenCollection | undefined): readonly Finding[] => {
  if (seen === undefined)
    return [info('qdrant.collection', `"${name}" is not there yet: it is made when the first thing is remembered`)];
  return seen.judged.kind === 'fits' ? fitFindings(name, seen) : [shapeFinding(name, seen.judged)];
};
