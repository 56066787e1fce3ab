/** Owns what is said on a pod's socket of working memory and contracts. `job`: default the pod's own; `root` is its root. */
import { z } from 'zod';

const artifact = z.string().max(256);
const job = z.string().max(120).optional();
/** Over the limit of an artifact, so that it is refused with a word about that limit. */
const BASE64_MAX_CHARS = 3 * 1024 * 1024;

export const MEMORY_SCHEMAS = {
  wm_put: z
    .object({
      artifact,
      value: z.base64().max(BASE64_MAX_CHARS),
      content_type: z.string().max(256).default('application/octet-stream'),
      job,
      if_absent: z.boolean().optional().describe('Only if there is no such artifact.'),
      if_sha256: z
        .string()
        .regex(/^[0-9a-f]{64}$/)
        .optional()
        .describe('Only if what is there has this hash.'),
    })
    .describe('Puts an artifact of less than 512 × 1024 bytes into the working memory of a job.'),
  wm_get: z.object({ artifact, job }),
  wm_list: z.object({ job }),
  wm_delete: z.object({ artifact, job }),
} as const;

export type MemoryOp = keyof typeof MEMORY_SCHEMAS;

export interface WireHead {
  readonly artifact: string;
  readonly content_type: string;
  readonly bytes: number;
  readonly sha256: string;
  /** Empty: nobody who is a session put it. */
  readonly session_id: string;
  /** Milliseconds. */
  readonly ts: number;
}

/** `where`: `home` is on this machine alone until Redis is back, and `why` says what keeps it from Redis. */
interface WirePlace {
  readonly job: string;
  readonly where: 'redis' | 'home';
  readonly why?: string;
}

export interface MemoryAnswers {
  readonly wm_put: WireHead & WirePlace;
  /** `why`: Redis was not asked, there may be another in it. */
  readonly wm_get:
    | { readonly found: false; readonly job: string; readonly why?: string }
    | ({ readonly found: true; readonly job: string; readonly value: string; readonly why?: string } & WireHead);
  readonly wm_list: { readonly job: string; readonly artifacts: readonly WireHead[]; readonly why?: string };
  readonly wm_delete: { readonly deleted: boolean } & WirePlace;
}

export type MemoryRequest<O extends MemoryOp> = z.infer<(typeof MEMORY_SCHEMAS)[O]>;
export type MemoryWish<O extends MemoryOp> = z.input<(typeof MEMORY_SCHEMAS)[O]>;

/** Asks whoever has the memory: a pod over its socket, or this process itself. */
export type AskMemory = <O extends MemoryOp>(
  op: O,
  wish: MemoryWish<O>,
  signal?: AbortSignal,
) => Promise<MemoryAnswers[O]>;
