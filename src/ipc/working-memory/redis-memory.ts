/**
 * Owns the working memory of Redis: what is asked of one job's artifacts over a link. Nothing of it throws; what Redis does
 * not answer or refuses is `away` (G1).
 *
 * R1. A name is in the index before its artifact is; so what is kept alive and counted by the index is all there is (G5, G6).
 */
import type { EntityId } from '../../model/id.ts';
import type { CallOutcome } from '../../redis/call-outcome.ts';
import { type Keys, type KeyPart, tryKeyPart } from '../../redis/keys.ts';
import type { Command, Link } from '../../redis/link.ts';
import { type ArtifactAnswer, deleteArtifact, putArtifact } from '../../redis/scripts/artifact.lua.ts';
import { addToIndex, parseIndex, removeFromIndex } from '../../redis/scripts/artifact-index.lua.ts';
import { runScript, runScripts } from '../../redis/scripts/script.ts';
import type { Artifact, ArtifactHead, ArtifactVersion, PutCondition } from './artifact.ts';

export interface Away {
  readonly kind: 'away';
  readonly why: string;
}

export type RedisPut =
  | { readonly kind: 'put'; readonly ts: number }
  | { readonly kind: 'conflict'; readonly sha256: string | undefined }
  | { readonly kind: 'full' }
  | { readonly kind: 'behind'; readonly ts: number }
  | Away;

const WITHIN_MS = 1_000;
/** Another one may put at the same moment, again and again. */
const MAX_TRIES = 5;
const HEAD_FIELDS = ['ts', 'session_id', 'content_type', 'bytes', 'sha256', 'deleted'] as const;
const VALUE_FIELDS = [...HEAD_FIELDS, 'value'] as const;
/** A put that was begun before, and has no artifact yet, will have none. */
const ORPHAN_MS = 60_000;
/** At once: 1,000 are ten round trips. */
const SLICE = 100;

const away = (outcome: CallOutcome): Away => ({ kind: 'away', why: outcome.kind === 'done' ? '' : outcome.why });

const conditionText = (condition: PutCondition | undefined): string =>
  condition === undefined ? '' : condition.kind === 'absent' ? 'absent' : condition.sha256;

type Fields = readonly (Buffer | null)[];

const versionOf = (artifact: KeyPart, reply: unknown): ArtifactVersion | undefined => {
  if (!Array.isArray(reply)) return undefined;
  const [ts, session, contentType, bytes, sha256, deleted] = (reply as Fields)
    .slice(0, HEAD_FIELDS.length)
    .map((field) => String(field ?? ''));
  const atMs = Number(ts);
  if (ts === '' || !Number.isFinite(atMs)) return undefined; // nothing, or none of ours
  const head = { artifact, contentType: contentType ?? '', bytes: Number(bytes), sha256: sha256 ?? '' };
  return { head: { ...head, session: session ?? '', ts: atMs }, isDeleted: deleted !== '' };
};

export class RedisMemory {
  readonly #link: Link;
  readonly #keys: Keys;
  readonly #signal: AbortSignal | undefined;

  constructor(link: Link, keys: Keys, signal?: AbortSignal) {
    this.#link = link;
    this.#keys = keys;
    this.#signal = signal;
  }

  /** A version of one's own: later than what is there. */
  async put(job: EntityId, artifact: Artifact, condition?: PutCondition): Promise<RedisPut> {
    let { ts } = artifact;
    for (let tries = 1; tries <= MAX_TRIES; tries += 1) {
      const put = await this.bring(job, { ...artifact, ts }, condition);
      if (put.kind !== 'behind') return put;
      ts = put.ts + 1;
    }
    return { kind: 'away', why: 'others put it all the time' };
  }

  /** That very version; `behind`: there is one that is not older. */
  async bring(job: EntityId, artifact: Artifact, condition?: PutCondition): Promise<RedisPut> {
    const { ts, artifact: name } = artifact;
    const indexed = await this.#index(job, name, ts);
    if (typeof indexed !== 'string') return indexed;
    if (indexed === 'full') return { kind: 'full' };
    const wish = { ...artifact, condition: conditionText(condition) };
    const outcome = await this.#run(putArtifact(this.#keys.artifact(job, name), wish));
    if (outcome.kind !== 'done') return away(outcome); // the name stays: it may have been put all the same
    const put = this.#putOf(outcome.value);
    if (put.kind === 'conflict' && indexed === 'added') {
      await this.#run(removeFromIndex(this.#keys.artifactIndex(job), { name, ts }));
    }
    return put;
  }

  /** `false`: there was nothing to delete. `isKnown`: somebody may have it, and bring it. */
  async delete(job: EntityId, head: Pick<ArtifactHead, 'artifact' | 'session' | 'ts'>, isKnown: boolean) {
    let { ts } = head;
    for (let tries = 1; tries <= MAX_TRIES; tries += 1) {
      const put = await this.bringDeletion(job, { ...head, ts }, isKnown);
      if (put.kind !== 'behind') return put;
      ts = put.ts + 1;
    }
    return { kind: 'away', why: 'others put it all the time' } as const;
  }

  async bringDeletion(
    job: EntityId,
    { artifact, session, ts }: Pick<ArtifactHead, 'artifact' | 'session' | 'ts'>,
    isKnown = true,
  ): Promise<RedisPut | { readonly kind: 'nothing' }> {
    const outcome = await this.#run(deleteArtifact(this.#keys.artifact(job, artifact), { ts, session, isKnown }));
    if (outcome.kind !== 'done') return away(outcome);
    const { kind } = outcome.value;
    if (kind === 'put' || kind === 'nothing') {
      await this.#run(removeFromIndex(this.#keys.artifactIndex(job), { name: artifact, ts }));
    }
    return kind === 'nothing' ? { kind } : this.#putOf(outcome.value);
  }

  async get(
    job: EntityId,
    name: KeyPart,
  ): Promise<{ kind: 'done'; found: Artifact | ArtifactVersion | undefined } | Away> {
    const outcome = await this.#link.call(this.#read(job, name, VALUE_FIELDS), { withinMs: WITHIN_MS }, this.#signal);
    if (outcome.kind !== 'done') return away(outcome);
    const version = versionOf(name, outcome.value);
    const value = (outcome.value as Fields)[HEAD_FIELDS.length];
    const isWhole = version?.isDeleted === false && Buffer.isBuffer(value);
    return { kind: 'done', found: isWhole ? { ...version.head, value } : version };
  }

  /** How each stands, also those that were deleted. */
  async versions(
    job: EntityId,
    names: readonly KeyPart[],
  ): Promise<{ readonly kind: 'done'; readonly found: ReadonlyMap<KeyPart, ArtifactVersion> } | Away> {
    const found = new Map<KeyPart, ArtifactVersion>();
    for (let from = 0; from < names.length; from += SLICE) {
      const slice = names.slice(from, from + SLICE);
      const reads = slice.map((name) => this.#read(job, name, HEAD_FIELDS));
      const outcomes = await this.#link.callAll(reads, { withinMs: WITHIN_MS }, this.#signal);
      for (const [at, outcome] of outcomes.entries()) {
        const name = slice[at];
        if (outcome.kind !== 'done') return away(outcome);
        const version = name === undefined ? undefined : versionOf(name, outcome.value);
        if (version !== undefined) found.set(version.head.artifact, version);
      }
    }
    return { kind: 'done', found };
  }

  /** Names in the index, and when a put of each was last begun. */
  async index(job: EntityId): Promise<{ readonly kind: 'done'; readonly names: ReadonlyMap<KeyPart, number> } | Away> {
    const { name } = this.#keys.artifactIndex(job);
    const outcome = await this.#link.call({ name: 'hgetall', args: [name] }, { withinMs: WITHIN_MS }, this.#signal);
    if (outcome.kind !== 'done') return away(outcome);
    const flat = Array.isArray(outcome.value) ? outcome.value : Object.entries(outcome.value ?? {}).flat();
    const names = Array.from(parseIndex(flat)).flatMap(([text, ts]) => {
      const known = tryKeyPart(text);
      return known === undefined ? [] : [[known, ts] as const];
    });
    return { kind: 'done', names: new Map(names) };
  }

  /** All artifacts that are there. Names whose artifact is not are taken out of the index. */
  async list(job: EntityId): Promise<{ readonly kind: 'done'; readonly found: readonly ArtifactVersion[] } | Away> {
    const index = await this.index(job);
    if (index.kind === 'away') return index;
    const versions = await this.versions(job, [...index.names.keys()]);
    if (versions.kind === 'away') return versions;
    const beforeMs = Date.now() - ORPHAN_MS;
    const orphans = Array.from(index.names).filter(([name, ts]) => {
      const version = versions.found.get(name);
      return version?.isDeleted !== false && ts < beforeMs;
    });
    const key = this.#keys.artifactIndex(job);
    const removals = orphans.map(([name, ts]) => removeFromIndex(key, { name, ts }));
    if (removals.length > 0) await runScripts(this.#link, removals, { withinMs: WITHIN_MS }, this.#signal);
    return { kind: 'done', found: [...versions.found.values()] };
  }

  /** One that is there, and is in no index: the index alone was lost, or Redis was emptied between the two (R1). */
  async nameAgain(job: EntityId, { artifact, ts }: Pick<ArtifactHead, 'artifact' | 'ts'>): Promise<RedisPut> {
    const indexed = await this.#index(job, artifact, ts);
    if (typeof indexed !== 'string') return indexed;
    return indexed === 'full' ? { kind: 'full' } : { kind: 'put', ts };
  }

  /** R1 */
  async #index(job: EntityId, name: KeyPart, ts: number): Promise<'added' | 'there' | 'full' | Away> {
    const add = addToIndex(this.#keys.artifactIndex(job), { name, ts });
    for (const isLast of [false, true]) {
      const outcome = await this.#run(add);
      if (outcome.kind !== 'done') return away(outcome);
      if (outcome.value !== 'full' || isLast) return outcome.value as 'added' | 'there' | 'full';
      const listed = await this.list(job); // names of artifacts that are gone make room
      if (listed.kind === 'away') return listed;
    }
    return 'full';
  }

  #putOf(answer: ArtifactAnswer): RedisPut {
    switch (answer.kind) {
      case 'put':
      case 'behind':
        return answer;
      case 'refused':
        return { kind: 'conflict', sha256: answer.sha256 === '' ? undefined : answer.sha256 };
      case 'nothing':
        return { kind: 'put', ts: answer.ts };
    }
  }

  #read(job: EntityId, artifact: KeyPart, fields: readonly string[]): Command {
    return { name: 'hmget', args: [this.#keys.artifact(job, artifact).name, ...fields], isBinary: true };
  }

  #run<T>(call: Parameters<typeof runScript<T>>[1]): Promise<CallOutcome<T>> {
    return runScript(this.#link, call, { withinMs: WITHIN_MS }, this.#signal);
  }
}
