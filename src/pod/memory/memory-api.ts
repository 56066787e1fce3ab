/** Owns working memory as code uses it, inside of pods and in `nika/client`. Light: every program that reports to its pod loads it. */
import { ARTIFACT_MAX_BYTES } from '../../model/artifact.ts';
import { NikaError } from '../../model/error.ts';
import type { AskMemory, WireHead } from './memory-protocol.ts';

export interface MemoryOptions {
  /** Whose memory: a `JOB-…`, or `root` for the topmost job. Default: that of the pod's own JOB. */
  readonly job?: string;
  readonly signal?: AbortSignal;
}

export interface PutOptions extends MemoryOptions {
  /** Content type; default by the value: text, JSON or bytes. */
  readonly type?: string;
  /** Only if there is none of that name. */
  readonly ifAbsent?: boolean;
  /** Only if what is there has this hash: nobody has put another meanwhile. */
  readonly ifSha256?: string;
}

export interface MemoryEntry {
  readonly artifact: string;
  readonly type: string;
  readonly bytes: number;
  readonly sha256: string;
  /** Of the session that put it, where it was one. */
  readonly session?: string;
  /** ISO 8601. */
  readonly at: string;
}

export interface MemoryArtifact extends MemoryEntry {
  readonly value: Uint8Array;
  text(): string;
  /** @throws {SyntaxError} */
  json(): unknown;
}

export interface PutDone extends MemoryEntry {
  readonly job: string;
  /** `home`: Redis is away or none is configured; on this machine alone until it is brought to Redis. */
  readonly where: 'redis' | 'home';
}

export interface MemoryApi {
  /**
   * Puts a text, bytes, or any JSON under a name; what was there is replaced. It lives as long as its job and an hour.
   * @throws {NikaError} `NIKA_WM_TOO_LARGE` from 512 × 1024 bytes on, `NIKA_WM_FULL`, `NIKA_WM_CONFLICT`,
   * `NIKA_WM_BAD_NAME`, `NIKA_WM_BAD`, `NIKA_WM_UNAVAILABLE` where neither Redis nor the home takes it
   */
  put(artifact: string, value: unknown, options?: PutOptions): Promise<PutDone>;
  /** `undefined`: there is none. */
  get(artifact: string, options?: MemoryOptions): Promise<MemoryArtifact | undefined>;
  /** By name. */
  list(options?: MemoryOptions): Promise<readonly MemoryEntry[]>;
  /** Whether there was one. */
  delete(artifact: string, options?: MemoryOptions): Promise<boolean>;
}

const entryOf = ({ artifact, content_type: type, bytes, sha256, session_id: session, ts }: WireHead): MemoryEntry => ({
  artifact,
  type,
  bytes,
  sha256,
  ...(session === '' ? {} : { session }),
  at: new Date(ts).toISOString(),
});

/** What is given as bytes, and what it then is. @throws {NikaError} `NIKA_WM_BAD` for what is neither */
const encode = (artifact: string, value: unknown): { readonly bytes: Buffer; readonly type: string } => {
  if (typeof value === 'string') return { bytes: Buffer.from(value), type: 'text/plain; charset=utf-8' };
  if (value instanceof Uint8Array) {
    const bytes = Buffer.from(value.buffer, value.byteOffset, value.byteLength);
    return { bytes, type: 'application/octet-stream' };
  }
  let json: string | undefined;
  try {
    json = JSON.stringify(value) as string | undefined;
  } catch (cause) {
    throw new NikaError('NIKA_WM_BAD', `the value of ${artifact} is no text, no bytes and no JSON`, { cause });
  }
  if (json !== undefined) return { bytes: Buffer.from(json), type: 'application/json' };
  throw new NikaError('NIKA_WM_BAD', `the value of ${artifact} is ${typeof value}: no text, no bytes and no JSON`);
};

/** @throws {NikaError} `NIKA_WM_TOO_LARGE` */
export const refuseTooLarge = (artifact: string, bytes: number): void => {
  if (bytes <= ARTIFACT_MAX_BYTES) return;
  const limit = `working memory takes less than ${ARTIFACT_MAX_BYTES + 1} (512 × 1024) an artifact`;
  throw new NikaError('NIKA_WM_TOO_LARGE', `${artifact} has ${bytes} bytes; ${limit}`, { subject: artifact });
};

const named = (job: string | undefined): { readonly job?: string } => (job === undefined ? {} : { job });

const found = (head: WireHead, value: Buffer): MemoryArtifact => ({
  ...entryOf(head),
  value,
  text: () => value.toString(),
  json: () => JSON.parse(value.toString()) as unknown,
});

export const createMemoryApi = (ask: AskMemory): MemoryApi => ({
  put: async (artifact, value, { job, type, ifAbsent, ifSha256, signal } = {}) => {
    const { bytes, type: ownType } = encode(artifact, value);
    refuseTooLarge(artifact, bytes.length); // before it is sent
    const condition = {
      ...(ifAbsent === undefined ? {} : { if_absent: ifAbsent }),
      ...(ifSha256 === undefined ? {} : { if_sha256: ifSha256 }),
    };
    const wish = { artifact, value: bytes.toString('base64'), content_type: type ?? ownType };
    const put = await ask('wm_put', { ...wish, ...named(job), ...condition }, signal);
    return { ...entryOf(put), job: put.job, where: put.where };
  },
  get: async (artifact, { job, signal } = {}) => {
    const got = await ask('wm_get', { artifact, ...named(job) }, signal);
    return got.found ? found(got, Buffer.from(got.value, 'base64')) : undefined;
  },
  list: async ({ job, signal } = {}) => (await ask('wm_list', named(job), signal)).artifacts.map(entryOf),
  delete: async (artifact, { job, signal } = {}) =>
    (await ask('wm_delete', { artifact, ...named(job) }, signal)).deleted,
});
