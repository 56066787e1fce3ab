/** Owns `nika memory status`. */
import type { Command } from 'commander';
import type { Judgement } from '../../memory/qdrant/collection-shape.ts';
import type { HomeStanding } from '../../memory/sync/home-standing.ts';
import { MEMORY_SCHEMA } from '../../model/memory.ts';
import { formatDuration, printable } from '../format.ts';
import { asCalled } from '../hint/called-as.ts';
import { renderTable } from '../table.ts';
import type { Terminal } from '../terminal.ts';
import type { MemoryStatus, Reach } from './memory-status.ts';

interface StatusFlags {
  readonly json?: true;
  readonly home?: string;
}

const EXIT_NOT_WELL = 1;

const agoText = (iso: string): string => `${formatDuration(Math.max(0, Date.now() - Date.parse(iso)))} ago`;
const many = (count: number, one: string, more: string): string =>
  `${count.toLocaleString('en-US')} ${count === 1 ? one : more}`;

const shapeText = (judged: Judgement): string => {
  switch (judged.kind) {
    case 'fits':
      return `version ${MEMORY_SCHEMA}, as this nika writes it`;
    case 'older':
      return `version ${judged.schema}, and this nika writes ${MEMORY_SCHEMA}: nika memory migrate`;
    case 'other-shape':
      return `not as nika writes it, so it is left alone, and the bus answers: ${judged.why}`;
  }
};

const denseText = (reach: Reach & { readonly kind: 'reached' }, model: string | undefined): string => {
  if (model === undefined) return 'none configured: found by words alone';
  if (reach.judged?.kind !== 'fits') return model;
  const { dense } = reach.judged;
  if (dense.kind === 'unfit') return `${model}: not used, ${dense.why}: nika memory migrate`;
  const lacking = reach.counts?.lackDense ?? 0;
  return lacking === 0 ? model : `${model}: ${many(lacking, 'point lacks', 'points lack')} a vector yet`;
};

const collectionRows = ({ reach, target, model }: MemoryStatus): readonly (readonly [string, string])[] => {
  if (reach.kind !== 'reached') return [];
  const { judged, counts } = reach;
  if (judged === undefined) return [['collection', `${target?.collection ?? ''}: not there yet`]];
  const points = counts === undefined ? 'points cannot be counted now' : many(counts.points, 'point', 'points');
  return [
    ['collection', `${target?.collection ?? ''}, ${points}`],
    ['schema', shapeText(judged)],
    ['dense', denseText(reach, model)],
  ];
};

const waitText = ({ isWhole, waitingCount, state }: HomeStanding): string => {
  if (isWhole) return `all of its bus is there${state?.whole_at ? `, as of ${agoText(state.whole_at)}` : ''}`;
  if (waitingCount === undefined) return 'not all of its bus is there yet: nika memory sync';
  return `${many(waitingCount, 'entry waits', 'entries wait')} on its bus: nika memory sync`;
};

/** Since when it is away, as far as somebody tried. */
const outageText = ({ state }: HomeStanding): string | undefined => {
  if (state === undefined || state.standing === 'up') return undefined;
  const word = { away: 'away', refused: 'refusing', 'other-shape': 'of another shape' }[state.standing];
  return `found ${word} since ${state.since} (${agoText(state.since)}): ${state.why ?? ''}`;
};

const reachText = ({ reach, target }: MemoryStatus): string => {
  switch (reach.kind) {
    case 'off':
      return `${reach.why}: questions are answered from the bus`;
    case 'away':
      return `${target?.url ?? ''} cannot be used: ${reach.why}; questions are answered from the bus`;
    case 'reached':
      return `${target?.url ?? ''}, ${reach.version}, answers within ${reach.answeredWithinMs.toFixed(1)} ms`;
  }
};

export const statusText = (status: MemoryStatus, isGood: boolean, terminal: Terminal): string => {
  const { home } = status;
  const { paint } = terminal;
  const mark = status.reach.kind === 'off' && isGood ? '·' : isGood ? paint('green', '✓') : paint('red', '✗');
  const outage = home === undefined ? undefined : outageText(home);
  const rows: readonly (readonly [string, string])[] = [
    ['qdrant', `${mark} ${printable(reachText(status))}`],
    ...collectionRows(status),
    ...(home === undefined ? [] : [['this home', waitText(home)] as const]),
    ...(outage === undefined ? [] : [['outage', outage] as const]),
  ];
  return renderTable(rows.map(([name, text]) => [paint('dim', name), name === 'qdrant' ? text : printable(text)]));
};

const reachJson = (reach: Reach): Readonly<Record<string, unknown>> => {
  if (reach.kind !== 'reached') return { reach: reach.kind, why: reach.why };
  const { version, answeredWithinMs, judged, counts } = reach;
  return {
    reach: 'reached',
    why: null,
    version,
    answered_ms: Math.round(answeredWithinMs * 10) / 10,
    collection: judged === undefined ? 'missing' : judged.kind,
    collection_why: judged?.kind === 'other-shape' ? judged.why : null,
    points: counts?.points ?? null,
    dense: judged?.kind === 'fits' ? judged.dense.kind : null,
    lack_dense: counts?.lackDense ?? null,
  };
};

export const statusJson = (status: MemoryStatus): Readonly<Record<string, unknown>> => {
  const { target, reach, home, model } = status;
  return {
    url: target?.url ?? null,
    name: target?.collection ?? null,
    schema: MEMORY_SCHEMA,
    ...reachJson(reach),
    model: model ?? null,
    whole: home?.isWhole ?? null,
    waiting: home?.waitingCount ?? null,
    whole_at: home?.state?.whole_at ?? null,
    standing: home?.state?.standing ?? null,
    since: home?.state?.since ?? null,
    standing_why: home?.state?.why ?? null,
  };
};

const show = async (flags: StatusFlags, terminal: Terminal): Promise<void> => {
  const [{ openBus }, { loadSettings }, { readMemoryStatus, isWell }, { closedPipe }] = await Promise.all([
    import('../bus/open-bus.ts'),
    import('../../config/settings.ts'),
    import('./memory-status.ts'),
    import('../ending.ts'),
  ]);
  const bus = openBus(flags.home, terminal);
  const status = await readMemoryStatus(bus, loadSettings(bus.home, terminal.env), closedPipe(terminal));
  const isGood = isWell(status);
  if (!isGood) process.exitCode = EXIT_NOT_WELL;
  if (flags.json === true) terminal.print(`${JSON.stringify(statusJson(status))}\n`);
  else terminal.print(asCalled(terminal, statusText(status, isGood, terminal)));
};

export const addStatusCommand = (memory: Command, terminal: Terminal): void => {
  memory
    .command('status')
    .description('Shows where memory is, whether it can be reached, and how much of this home is not there yet.')
    .option('--json', 'one object: url, reach (reached, away, off), why, points, whole, waiting, standing, since …')
    .option('--home <dir>', 'the home: config/, _bus/, logs/, run/')
    .addHelpText(
      'after',
      `
Exit codes: 0 well, also where no Qdrant is configured; 1 it cannot be used: away, refusing, of another shape, or died.

Examples:
  $ nika memory status
  $ nika memory status --json | jq .waiting`,
    )
    .action((flags: StatusFlags) => show(flags, terminal));
};
