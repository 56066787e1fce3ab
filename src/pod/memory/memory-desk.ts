/**
 * Owns what is asked of working memory in the name of a pod, or of a command: whose memory is meant, what is refused, and
 * the note on the bus that something was put, never what.
 */
import { parseArtifactName, parseContentType, type PutCondition } from '../../ipc/working-memory/artifact.ts';
import type { ArtifactHead } from '../../ipc/working-memory/artifact.ts';
import type { Place, WorkingMemory } from '../../ipc/working-memory/working-memory.ts';
import { NikaError } from '../../model/error.ts';
import type { EntityId } from '../../model/id.ts';
import { entityIdSchema, entityTypeOf } from '../../model/id.ts';
import { refuseTooLarge } from './memory-api.ts';
import type { MemoryAnswers, MemoryOp, MemoryRequest, WireHead } from './memory-protocol.ts';

export interface MemoryDeskOptions {
  readonly memory: WorkingMemory;
  /** Empty: none. */
  readonly session: string;
  /** Whose memory is meant where none is named; `undefined`: it has to be named. */
  readonly job: EntityId | undefined;
  readonly root: EntityId | undefined;
  /** A line into the story; of a job besides the own. */
  readonly note: (text: string, job: EntityId) => void;
}

type ArtifactOp = Extract<MemoryOp, `wm_${string}`>;

/** What answers each question. */
export type MemoryHandlers = {
  readonly [O in MemoryOp]: (request: MemoryRequest<O>) => Promise<MemoryAnswers[O]>;
};

const toWire = ({ artifact, contentType, bytes, sha256, session, ts }: ArtifactHead): WireHead => ({
  artifact,
  content_type: contentType,
  bytes,
  sha256,
  session_id: session,
  ts,
});

export const placeOf = (job: EntityId, place: Place): { job: string; where: 'redis' | 'home'; why?: string } => {
  const why = place.where === 'home' ? place.why : undefined;
  return { job, where: place.where, ...whyOf(why) };
};

export const whyOf = (why: string | undefined): { readonly why?: string } => (why === undefined ? {} : { why });

const conditionOf = (request: MemoryRequest<'wm_put'>): PutCondition | undefined => {
  const { if_absent: ifAbsent, if_sha256: sha256 } = request;
  if (ifAbsent === true && sha256 !== undefined) {
    throw new NikaError('NIKA_WM_BAD', 'if_absent and if_sha256 exclude each other');
  }
  if (ifAbsent === true) return { kind: 'absent' };
  return sha256 === undefined ? undefined : { kind: 'sha256', sha256 };
};

/** @throws {NikaError} `NIKA_WM_BAD` */
export const resolveJob = (
  text: string | undefined,
  { job, root }: { readonly job: EntityId | undefined; readonly root: EntityId | undefined },
): EntityId => {
  const own = text === undefined ? job : text === 'root' ? root : undefined;
  if (own !== undefined) return own;
  if (text === undefined || text === 'root') {
    throw new NikaError('NIKA_WM_BAD', 'outside of a pod the job has to be named', {
      remedy: 'Name one: --job JOB-… (NIKA_ENTITY_ID is the default).',
    });
  }
  const id = entityIdSchema.safeParse(text).data;
  if (id !== undefined && entityTypeOf(id) === 'JOB') return id;
  const shown = text.slice(0, 120);
  throw new NikaError('NIKA_WM_BAD', `"${shown}" is no JOB, and only JOBs have working memory`, {
    subject: shown,
    remedy: 'Give the whole id of a job (JOB-…), or "root" for the topmost one of the pod.',
  });
};

export const createMemoryDesk = (options: MemoryDeskOptions): Pick<MemoryHandlers, ArtifactOp> => {
  const { memory, session, note } = options;
  const put = async (request: MemoryRequest<'wm_put'>): Promise<MemoryAnswers['wm_put']> => {
    const artifact = parseArtifactName(request.artifact);
    const job = resolveJob(request.job, options);
    const value = Buffer.from(request.value, 'base64');
    refuseTooLarge(artifact, value.length);
    const wish = { artifact, value, contentType: parseContentType(request.content_type), session };
    const done = await memory.put(job, { ...wish, condition: conditionOf(request) });
    switch (done.kind) {
      case 'put': {
        const { head } = done;
        note(
          `artifact ${artifact} of ${job} put: ${head.bytes} bytes, ${head.contentType}, sha256 ${head.sha256}`,
          job,
        );
        return { ...toWire(head), ...placeOf(job, done) };
      }
      case 'conflict': {
        const what = done.sha256 === undefined ? 'there is none' : `what is there has the hash ${done.sha256}`;
        throw new NikaError('NIKA_WM_CONFLICT', `${artifact} of ${job} was not put: ${what}`, { subject: artifact });
      }
      case 'full':
        throw new NikaError('NIKA_WM_FULL', `${artifact} was not put: ${done.why}`, { subject: job });
      case 'unavailable':
        throw new NikaError('NIKA_WM_UNAVAILABLE', `${artifact} was not put: ${done.why}`, { subject: artifact });
    }
  };
  return {
    wm_put: put,
    wm_get: async (request) => {
      const job = resolveJob(request.job, options);
      const { artifact, why } = await memory.get(job, parseArtifactName(request.artifact));
      if (artifact === undefined) return { found: false, job, ...whyOf(why) };
      return { found: true, job, value: artifact.value.toString('base64'), ...toWire(artifact), ...whyOf(why) };
    },
    wm_list: async (request) => {
      const job = resolveJob(request.job, options);
      const { heads, why } = await memory.list(job);
      return { job, artifacts: heads.map(toWire), ...whyOf(why) };
    },
    wm_delete: async (request) => {
      const job = resolveJob(request.job, options);
      const artifact = parseArtifactName(request.artifact);
      const done = await memory.delete(job, artifact, session);
      if (done.kind === 'unavailable') {
        throw new NikaError('NIKA_WM_UNAVAILABLE', `${artifact} was not deleted: ${done.why}`, { subject: artifact });
      }
      if (done.kind === 'deleted') note(`artifact ${artifact} of ${job} deleted`, job);
      return { deleted: done.kind === 'deleted', ...placeOf(job, done) };
    },
  };
};
