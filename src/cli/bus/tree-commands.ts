/** Owns `nika tree`: the hierarchy of entities with their states, from the bus. */
import type { Command } from 'commander';
import type { EntityView } from '../../bus/query/entity-view.ts';
import { NikaError } from '../../model/error.ts';
import type { Terminal } from '../terminal.ts';

interface TreeOptions {
  readonly all?: true;
  readonly count: string;
  readonly home?: string;
  readonly json?: true;
}

const ROOTS_SHOWN = '20';
/** Of a finished job in the overview; `nika tree <job>` shows all. */
const CHILDREN_SHOWN = 10;

interface Forest {
  readonly roots: readonly EntityView[];
  /** Roots that are not shown. */
  readonly moreCount: number;
}

const forestOf = (roots: readonly EntityView[], count: number): Forest => {
  const newestFirst = roots.toReversed();
  const shown = newestFirst.slice(0, count);
  return { roots: shown, moreCount: newestFirst.length - shown.length };
};

const readForest = async (busDir: string, ref: string | undefined, count: number) => {
  const [{ childrenOf, readEntities }, { isOfSwarm }] = await Promise.all([
    import('../../bus/query/entities.ts'),
    import('../../bus/query/entity-view.ts'),
  ]);
  if (ref === undefined) {
    const children = childrenOf(await readEntities({ busDir }));
    const roots = (children.get(undefined) ?? []).filter((view) => !isOfSwarm(view));
    return { children, ...forestOf(roots, count) };
  }
  const { resolveEntity } = await import('./resolve-entity.ts');
  const id = await resolveEntity(ref, busDir);
  const entities = await readEntities({ busDir });
  const view = entities.get(id);
  if (view === undefined) throw new NikaError('NIKA_BUS_NO_ENTITY', `${id} is not on the bus`, { subject: id });
  return { children: childrenOf(entities), roots: [view], moreCount: 0 };
};

const tree = async (ref: string | undefined, options: TreeOptions, terminal: Terminal): Promise<void> => {
  const [{ openBus, nothingYet }, { parseCount }, { drawTree, treeJson }] = await Promise.all([
    import('./open-bus.ts'),
    import('./bus-query.ts'),
    import('./tree-view.ts'),
  ]);
  const count = options.all ? Infinity : parseCount('--count', options.count);
  const bus = openBus(options.home, terminal);
  if (ref === undefined && bus.isEmpty) {
    if (!options.json) terminal.print(`${nothingYet(bus)}.\n`);
    return;
  }
  await (await import('../pod/pod-context.ts')).closeLostFirst(options.home, terminal);
  const { roots, children, moreCount } = await readForest(bus.busDir, ref, count);
  if (options.json) {
    terminal.print(roots.map((root) => `${JSON.stringify(treeJson(root, children))}\n`).join(''));
    return;
  }
  if (roots.length === 0 && moreCount === 0) terminal.print(`${nothingYet(bus)}.\n`);
  const mostChildren = ref === undefined ? CHILDREN_SHOWN : Infinity;
  const drawing = { children, terminal, nowMs: Date.now(), mostChildren };
  for (const root of roots) terminal.print(`${drawTree(root, drawing).join('\n')}\n`);
  if (moreCount > 0)
    terminal.print(
      terminal.paint('dim', `… and ${moreCount} older (-n ${roots.length + moreCount} or --all shows them)\n`),
    );
};

export const addTreeCommand = (program: Command, terminal: Terminal): void => {
  program
    .command('tree')
    .description('Shows what ran: projects, jobs, tasks and subagents, with their states.')
    .argument('[entity]', 'id, unique prefix, @last, or the name of a job that runs; none: the newest roots')
    .option('-n, --count <count>', 'how many of the newest roots', ROOTS_SHOWN)
    .option('--all', 'all roots')
    .option('--json', 'one JSON object per root, children inside')
    .option('--home <dir>', 'the home: config/, _bus/, logs/, run/')
    .addHelpText(
      'after',
      `
Examples:
  $ nika tree                    the newest jobs and their tasks
  $ nika tree @last              the job that was started last, with all of its tasks
  $ nika tree --all --json | jq -r 'select(.state == "failed") | .id'`,
    )
    .action((ref: string | undefined, options: TreeOptions) => tree(ref, options, terminal));
};
