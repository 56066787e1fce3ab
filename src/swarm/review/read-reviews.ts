/** Owns which jobs of a home await review, and what is to be judged of each. */
import { tryParseLine } from '../../bus/line.ts';
import { readEntity } from '../../bus/query/entities.ts';
import type { EntityView } from '../../bus/query/entity-view.ts';
import { readLastLines } from '../../bus/query/last-lines.ts';
import type { Home } from '../../config/home.ts';
import { type EntityId, entityIdSchema } from '../../model/id.ts';
import type { PodRecord } from '../../pod/registry/pod-record.ts';
import { readRecords } from '../../pod/registry/record-file.ts';
import { latestOfEach } from '../../pod/registry/resolve-pod.ts';

/** A job that awaits review. Times ISO 8601. */
export interface Review {
  readonly id: EntityId;
  readonly job: string;
  readonly domain: string;
  readonly intent: string;
  readonly parent: string | null;
  /** The pod that is asked; null: people. */
  readonly reviewer: string | null;
  /** From 1; of how many, where that is told. */
  readonly round: number;
  readonly rounds: number | null;
  readonly reason: string;
  readonly asked_at: string;
  /** Any JSON; of one that is long the beginning (a blob reference). */
  readonly result: unknown;
  readonly duration_ms: number | null;
  readonly attempt: number;
  /** The git worktree of its own in which it was done. */
  readonly worktree: { readonly path: string; readonly branch: string } | null;
}

/** Requests so far back are looked at; the records of this home besides. */
const LOOK_AT_COUNT = 1_000;

/** `undefined`: it does not await review. */
export const reviewOf = (view: EntityView, record: PodRecord | undefined): Review | undefined => {
  const { state, review, attempts, result = null } = view;
  const id = entityIdSchema.safeParse(view.id);
  if (state !== 'awaiting_review' || !id.success) return undefined;
  const { worktree = null } = record ?? {};
  return {
    id: id.data,
    job: view.job ?? '',
    domain: view.domain ?? '',
    intent: view.intent ?? '',
    parent: view.parent ?? null,
    reviewer: review?.reviewer ?? null,
    round: review?.round ?? 1,
    rounds: review?.rounds ?? null,
    reason: review?.reason ?? '',
    asked_at: review?.askedAt ?? view.lastAt,
    result,
    duration_ms: review?.durationMs ?? null,
    attempt: attempts,
    worktree: worktree?.owner === id.data && worktree.kept ? { path: worktree.path, branch: worktree.branch } : null,
  };
};

/** Entity and round of the newest lines of a type. */
const readRounds = async (busDir: string, type: string, signal?: AbortSignal): Promise<ReadonlyMap<string, number>> => {
  const query = { busDir, query: { type }, count: LOOK_AT_COUNT, files: 'alpha' as const };
  const texts = await readLastLines(signal === undefined ? query : { ...query, signal });
  const rounds = new Map<string, number>();
  for (const text of texts) {
    const line = tryParseLine(text);
    if (line !== undefined) rounds.set(line.entity, Number(line.data['round'] ?? 1));
  }
  return rounds;
};

/**
 * The longest waiting first.
 * @throws {NikaError} `NIKA_BUS_UNREADABLE`; the signal's reason when it is aborted
 */
export const readReviews = async ({ busDir, runDir }: Home, signal?: AbortSignal): Promise<readonly Review[]> => {
  const records = new Map(latestOfEach(readRecords(runDir)).map((record) => [record.entity, record]));
  const asked = await readRounds(busDir, 'review_request', signal);
  const decided = await readRounds(busDir, 'review_decision', signal);
  const open = Array.from(asked).flatMap(([id, round]) => ((decided.get(id) ?? 0) < round ? [id] : []));
  const ofRecords = Array.from(records.values()).flatMap(({ entity, end }) =>
    end?.status === 'awaiting_review' ? [entity] : [],
  );
  const reviews: Review[] = [];
  for (const text of new Set([...open, ...ofRecords])) {
    const id = entityIdSchema.safeParse(text);
    if (!id.success) continue;
    const view = await readEntity(busDir, id.data, signal);
    const review = view && reviewOf(view, records.get(id.data));
    if (review !== undefined) reviews.push(review);
  }
  return reviews.toSorted((a, b) => (a.asked_at < b.asked_at ? -1 : 1));
};
