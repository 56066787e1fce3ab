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
  contract_put: z.object({ contract: z.unknown(), job }).describe('Sets the contract of a job: its steps.'),
  contract_get: z.object({ job }),
  contract_step: z
    .object({
      step: z.string().max(256),
      action: z.enum(['start', 'complete', 'fail']),
      inputs: z.unknown().optional().describe('Of start: checked by the schema of the step.'),
      output: z.unknown().optional().describe('Of complete: one that breaks the schema fails the step.'),
      reason: z.string().max(8_000).optional().describe('Of fail.'),
      takeover: z.boolean().optional().describe('Also where another pod has it, which is gone.'),
      job,
    })
    .describe('Starts, completes or fails a step. Completed it is once: the first stands.'),
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
  readonly contract_put: { readonly sha256: string } & WirePlace;
  readonly contract_get:
    | { readonly found: false; readonly job: string; readonly why?: string }
    | {
        readonly found: true;
        readonly job: string;
        readonly name?: string;
        readonly sha256: string;
        readonly steps: readonly WireStep[];
        readonly why?: string;
      };
  readonly contract_step: { readonly step: string; readonly state: WireStep['state'] } & WirePlace;
}

/** A step as the contract has it, and how it stands. */
export interface WireStep {
  readonly name: string;
  readonly role: string;
  readonly description?: string;
  readonly needs: readonly string[];
  readonly inputs?: unknown;
  readonly outputs?: unknown;
  readonly state: 'pending' | 'running' | 'completed' | 'failed';
  /** Who has, or had it. */
  readonly entity?: string;
  readonly session?: string;
  /** ISO 8601: when it began, and when it came to its state. */
  readonly started?: string;
  readonly at?: string;
  readonly given?: unknown;
  readonly output?: unknown;
  readonly reason?: string;
}

export type MemoryRequest<O extends MemoryOp> = z.infer<(typeof MEMORY_SCHEMAS)[O]>;
export type MemoryWish<O extends MemoryOp> = z.input<(typeof MEMORY_SCHEMAS)[O]>;

/** Asks whoever has the memory: a pod over its socket, or this process itself. */
export type AskMemory = <O extends MemoryOp>(
  op: O,
  wish: MemoryWish<O>,
  signal?: AbortSignal,
) => Promise<MemoryAnswers[O]>;
