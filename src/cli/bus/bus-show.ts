/** Owns `nika bus show`: finds an entity and all below it, and tells their story. */
import { bornAt, childrenOf, readEntities, readEntity } from '../../bus/query/entities.ts';
import type { EntityView } from '../../bus/query/entity-view.ts';
import { readStory, type StoryItem } from '../../bus/query/story.ts';
import { NikaError } from '../../model/error.ts';
import { storyHeader, storyRows } from './bus-story.ts';
import { closedPipe } from '../ending.ts';
import { openBus } from './open-bus.ts';
import { resolveEntity } from './resolve-entity.ts';
import type { Terminal } from '../terminal.ts';
import { treeJson } from './tree-view.ts';

export interface ShowOptions {
  readonly home?: string;
  readonly json?: true;
  readonly maxTokens?: string;
}

/** What is printed at once; a story may be long. */
const BATCH_CHARS = 64 * 1024;

const createPrinter = (terminal: Terminal) => {
  let waiting = '';
  const flush = (): void => {
    if (waiting !== '') terminal.print(waiting);
    waiting = '';
  };
  return {
    add: (lines: readonly string[]): void => {
      for (const line of lines) waiting += `${line}\n`;
      if (waiting.length >= BATCH_CHARS) flush();
    },
    flush,
  };
};

/** @throws {NikaError} `NIKA_CLI_USAGE`, `NIKA_DIGEST_TOO_SMALL` */
const brief = async (
  view: EntityView,
  story: AsyncIterable<StoryItem>,
  maxTokensText: string,
  busDir: string,
): Promise<string> => {
  const [{ parseMaxTokens }, { checkMaxTokens }, { openTokenCount }, { briefOf }] = await Promise.all([
    import('../max-tokens.ts'),
    import('../../swarm/digest/max-tokens.ts'),
    import('../../swarm/digest/token-count.ts'),
    import('./bus-brief.ts'),
  ]);
  const maxTokens = checkMaxTokens(parseMaxTokens(maxTokensText));
  return briefOf(view, story, { busDir, maxTokens, count: await openTokenCount(), nowMs: Date.now() });
};

export const show = async (ref: string, options: ShowOptions, terminal: Terminal): Promise<void> => {
  const { busDir } = openBus(options.home, terminal);
  await (await import('../pod/pod-context.ts')).closeLostFirst(options.home, terminal);
  const id = await resolveEntity(ref, busDir);
  const view = await readEntity(busDir, id);
  if (view === undefined) throw new NikaError('NIKA_BUS_NO_ENTITY', `nothing is told of ${id}`, { subject: id });
  const entities = await readEntities({ busDir, sinceTs: bornAt(view) });
  const children = childrenOf(new Map(entities).set(id, view));
  if (options.maxTokens !== undefined) {
    terminal.print(await brief(view, readStory(id, { busDir, children }), options.maxTokens, busDir));
    return;
  }
  const closed = closedPipe(terminal);
  const printer = createPrinter(terminal);
  const nowMs = Date.now();
  const place = { terminal, nowMs, startMs: Date.parse(bornAt(view)) };
  if (options.json) printer.add([JSON.stringify({ entity: treeJson(view, children) })]);
  else printer.add([...storyHeader(view, terminal, nowMs), '']);
  for await (const item of readStory(id, { busDir, children })) {
    if (closed.aborted) return;
    if (!options.json) printer.add(storyRows(item, place));
    else if (item.kind === 'line') printer.add([JSON.stringify({ line: item.line, superseded: item.isSuperseded })]);
  }
  printer.flush();
};
