/**
 * Owns the story of one entity: its lines in order, with those of its TASKs told as a block where each began.
 *
 * Z1. Read while it is told: memory holds no story, however long it is (G6).
 * Z2. A child JOB has a story of its own and is only named. A SUB has no channel: its lines stand in that of its parent.
 */
import { type EntityId, entityIdSchema } from '../../model/id.ts';
import { type BusLine, tryParseLine } from '../line.ts';
import { bornAt } from './entities.ts';
import { applyLine, createEntityView, type EntityView, isSuperseded, subjectOf } from './entity-view.ts';
import { mergeLines } from './merge.ts';

export type StoryItem =
  /** A child begins; its lines follow, one deeper, if it is told here (Z2). */
  | { readonly kind: 'entity'; readonly depth: number; readonly view: EntityView }
  | { readonly kind: 'line'; readonly depth: number; readonly line: BusLine; readonly isSuperseded: boolean };

export interface StoryOptions {
  readonly busDir: string;
  readonly children: ReadonlyMap<string | undefined, readonly EntityView[]>;
  readonly signal?: AbortSignal;
}

async function* linesOf(id: EntityId, { busDir, signal }: StoryOptions): AsyncGenerator<BusLine> {
  for await (const found of mergeLines({
    busDirs: [busDir],
    query: { entity: id },
    ...(signal === undefined ? {} : { signal }),
  })) {
    for (const { text } of found) {
      const line = tryParseLine(text);
      if (line !== undefined) yield line;
    }
  }
}

/** What the lines told so far say of their subjects; tells which transitions come too late. */
class Told {
  readonly #views = new Map<string, EntityView>();

  /** Takes in the line; whether it is superseded by one before. */
  add(line: BusLine): boolean {
    const id = subjectOf(line);
    const view = this.#views.get(id) ?? createEntityView(id, line.ts);
    this.#views.set(id, view);
    const isLate = isSuperseded(view, line);
    applyLine(view, line);
    return isLate;
  }
}

async function* tellChild(view: EntityView, depth: number, options: StoryOptions): AsyncGenerator<StoryItem> {
  yield { kind: 'entity', depth, view };
  const id = entityIdSchema.safeParse(view.id);
  if (view.type === 'TASK' && id.success) yield* readStory(id.data, options, depth + 1); // Z2
}

/**
 * The story of the entity, `depth` 0 for its own lines. `children` are those of {@link childrenOf}.
 * @throws {NikaError} `NIKA_BUS_UNREADABLE`; the signal's reason when it is aborted.
 */
export async function* readStory(id: EntityId, options: StoryOptions, depth = 0): AsyncGenerator<StoryItem> {
  const waiting = (options.children.get(id) ?? []).filter(({ type }) => type !== 'SUB');
  const told = new Told();
  let next = 0;
  for await (const line of linesOf(id, options)) {
    for (let child = waiting[next]; child !== undefined && bornAt(child) < line.ts; child = waiting[next]) {
      next += 1;
      yield* tellChild(child, depth, options);
    }
    const isOfSub = subjectOf(line) !== id;
    yield { kind: 'line', depth: isOfSub ? depth + 1 : depth, line, isSuperseded: told.add(line) };
  }
  for (const child of waiting.slice(next)) yield* tellChild(child, depth, options);
}
