/** Owns what a redaction will touch: found, and nothing changed yet. */
import type { Chain } from '../../bus/chain.ts';
import { findLines, type FindOptions, type FoundLine, targetOf } from '../../bus/redact/find-targets.ts';
import { wordsOf } from '../../bus/redact/kept-fields.ts';
import { blobsOf } from '../../bus/redact/line-blobs.ts';
import type { LineTarget } from '../../bus/redact/target.ts';
import type { TombstoneMark } from '../../bus/redact/tombstone.ts';
import { type Redaction, REDACTION_STEPS } from '../../bus/redact/redaction.ts';

export interface PlanOptions {
  readonly busDir: string;
  readonly chain: Chain;
  readonly ids: readonly string[];
  /** Bodies: with every line that refers to one. */
  readonly blobs: readonly string[];
  readonly mark: TombstoneMark;
  readonly signal?: AbortSignal;
  readonly onProgress?: NonNullable<FindOptions['onProgress']>;
}

/** A body to which lines refer that stay. */
export interface SharedBlob {
  readonly sha256: string;
  /** Ids of messages. */
  readonly ids: readonly string[];
}

export interface RedactionPlan {
  readonly redaction: Redaction;
  /** Ids that are on no line. */
  readonly unknown: readonly string[];
  /** Ids whose lines are redacted already. */
  readonly before: readonly string[];
  /** Ids of lines that cannot be redacted: they tell of redactions, or have no room for a tombstone. */
  readonly refused: readonly { readonly id: string; readonly why: string }[];
  readonly shared: readonly SharedBlob[];
  /** What people wrote into the envelopes and stays there, as `job=nightly`. */
  readonly keptWords: readonly string[];
}

/** More lines than that refer to one body: nobody asks for it by accident. */
const MAX_LINES = 10_000;
const MAX_SHARED_TOLD = 1_000;

const REFUSALS = {
  proof: 'it tells of a redaction: what it says is what others are accepted by',
  'too-short': 'it is too short for a tombstone',
} as const;

const textsOf = (words: Readonly<Record<string, unknown>>): readonly string[] =>
  Object.entries(words).map(([key, value]) => `${key}=${Array.isArray(value) ? value.join(',') : String(value)}`);

class Plan {
  readonly targets: LineTarget[] = [];
  readonly found = new Set<string>();
  readonly before = new Set<string>();
  readonly refused = new Map<string, string>();
  readonly blobs: Set<string>;
  readonly words = new Set<string>();
  readonly #options: PlanOptions;

  constructor(options: PlanOptions) {
    this.#options = options;
    this.blobs = new Set(options.blobs);
  }

  add(found: FoundLine): void {
    const { id } = found.header;
    this.found.add(id);
    const { chain, mark } = this.#options;
    const target = targetOf(found, chain, mark);
    if (target === 'redacted') this.before.add(id);
    else if (typeof target === 'string') this.refused.set(id, REFUSALS[target]);
    else {
      this.targets.push(target);
      for (const sha256 of blobsOf(found.line)) this.blobs.add(sha256);
      if (!mark.dropsWords) for (const word of textsOf(wordsOf(found.line.meta))) this.words.add(word);
    }
  }

  get isFull(): boolean {
    return this.targets.length >= MAX_LINES;
  }
}

/** Of those bodies the ones to which lines refer that are not redacted, with their ids. */
const sharedBlobs = async (plan: Plan, options: PlanOptions): Promise<readonly SharedBlob[]> => {
  const others = new Set([...plan.blobs].filter((sha256) => !options.blobs.includes(sha256)));
  const { busDir, chain, signal } = options;
  const own = new Set(plan.targets.map(({ id }) => id));
  const ids = new Map<string, Set<string>>();
  const wanted = { ids: new Set<string>(), blobs: others };
  for await (const { header, line } of findLines({
    busDir,
    chain,
    wanted,
    ...(signal === undefined ? {} : { signal }),
  })) {
    if (own.has(header.id)) continue;
    for (const sha256 of blobsOf(line)) {
      const known = ids.get(sha256) ?? new Set<string>();
      if (others.has(sha256) && known.size < MAX_SHARED_TOLD) ids.set(sha256, known.add(header.id));
    }
  }
  return Array.from(ids, ([sha256, some]) => ({ sha256, ids: [...some] }));
};

/** @throws {NikaError} `NIKA_BUS_UNREADABLE`; the signal's reason. */
export const planRedaction = async (options: PlanOptions): Promise<RedactionPlan> => {
  const { busDir, chain, mark, signal, onProgress } = options;
  const wanted = { ids: new Set(options.ids), blobs: new Set(options.blobs) };
  const plan = new Plan(options);
  const more = { ...(signal === undefined ? {} : { signal }), ...(onProgress === undefined ? {} : { onProgress }) };
  for await (const found of findLines({ busDir, chain, wanted, ...more })) {
    plan.add(found);
    if (plan.isFull) break;
  }
  const shared = await sharedBlobs(plan, options);
  const kept = new Set(shared.map(({ sha256 }) => sha256));
  const { redaction, reason, by, at } = mark;
  return {
    redaction: {
      v: 1,
      redaction,
      reason,
      by,
      at,
      lines: plan.targets,
      blobs: [...plan.blobs].filter((sha256) => !kept.has(sha256)),
      announced: false,
      open: [...REDACTION_STEPS],
    },
    unknown: options.ids.filter((id) => !plan.found.has(id)),
    before: [...plan.before].filter((id) => !plan.targets.some((target) => target.id === id)),
    refused: Array.from(plan.refused, ([id, why]) => ({ id, why })),
    shared,
    keptWords: [...plan.words].toSorted(),
  };
};
