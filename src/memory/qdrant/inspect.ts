/** Owns what is seen of a Qdrant and of its collection, for whoever looks whether all is well; nothing is changed. */
import { z } from 'zod';
import type { QdrantTarget } from '../../config/memory/qdrant-settings.ts';
import { type CollectionInfo, judgeCollection, type Judgement } from './collection-shape.ts';
import type { DenseShape } from './dense-encoder.ts';
import type { LinkFailure } from './link-failure.ts';
import { readCollection, wrongPoint } from './prepare-collection.ts';
import { QdrantLink } from './qdrant-link.ts';

export interface InspectOptions {
  readonly target: QdrantTarget;
  readonly dense?: DenseShape;
  /** Of each question; three are asked. */
  readonly withinMs: number;
}

export interface SeenCollection {
  readonly info: CollectionInfo;
  readonly judged: Judgement;
}

export interface Inspection {
  readonly version: string;
  readonly answeredWithinMs: number;
  /** `undefined`: there is none yet. */
  readonly collection: SeenCollection | LinkFailure | undefined;
}

const rootSchema = z.object({ title: z.string(), version: z.string() });

/** One that says nothing of its version is judged by a point of it. */
const judge = async (
  link: QdrantLink,
  info: CollectionInfo,
  { dense, withinMs }: InspectOptions,
  signal: AbortSignal,
): Promise<SeenCollection | LinkFailure> => {
  const judged = judgeCollection(info, dense);
  if (judged.kind !== 'fits' || judged.isMarked) return { info, judged };
  const wrong = await wrongPoint(link, withinMs, signal);
  if (wrong.kind !== 'done') return wrong;
  return { info, judged: wrong.value === undefined ? judged : { kind: 'other-shape', why: wrong.value } };
};

/** @throws the signal's reason alone */
export const inspectQdrant = async (
  options: InspectOptions,
  signal: AbortSignal,
): Promise<Inspection | LinkFailure> => {
  const { target, withinMs } = options;
  await using link = await QdrantLink.create(target);
  const terms = { schema: rootSchema, withinMs, isBare: true };
  const startMs = performance.now();
  const root = await link.call((api, init) => api.root({}, init), terms, signal);
  if (root.kind !== 'done') return root;
  const answeredWithinMs = performance.now() - startMs;
  const info = await readCollection(link, withinMs, signal);
  const seen = { version: root.value.version, answeredWithinMs };
  if (info.kind === 'missing') return { ...seen, collection: undefined };
  const collection = info.kind === 'done' ? await judge(link, info.value, options, signal) : info;
  return { ...seen, collection };
};
