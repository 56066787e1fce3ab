/**
 * Owns how a command, or a tool of agents, comes to working memory: through the pod that it runs in, else by itself.
 */
import { realpathSync } from 'node:fs';
import { hostname } from 'node:os';
import { resolve } from 'node:path';
import { tryLock } from '../../bus/segments.ts';
import type { Home } from '../../config/home.ts';
import type { Settings } from '../../config/settings.ts';
import { Contracts } from '../../ipc/contracts/contracts.ts';
import { HomeContracts } from '../../ipc/contracts/home-contracts.ts';
import { HomeMemory } from '../../ipc/working-memory/home-memory.ts';
import { WorkingMemory } from '../../ipc/working-memory/working-memory.ts';
import { bestEffort } from '../../failopen/best-effort.ts';
import { NikaError } from '../../model/error.ts';
import { entityIdSchema, entityTypeOf, type EntityId } from '../../model/id.ts';
import { connect } from '../client/client.ts';
import { SessionLink } from '../session-link.ts';
import { createContractDesk } from './contract-desk.ts';
import { createMemoryDesk } from './memory-desk.ts';
import { tidyMemory } from './tidy-memory.ts';
import { MEMORY_SCHEMAS, type AskMemory, type MemoryOp, type MemoryRequest } from './memory-protocol.ts';

export interface MemoryPlace {
  readonly home: Home;
  readonly settings: Settings;
  readonly env: Readonly<Record<string, string | undefined>>;
  /** What the pod shows of who is connected. */
  readonly client: string;
  /** Outside of pods: onto the bus that something was put, never what. */
  readonly writeNotes: (notes: readonly OutsideNote[]) => Promise<void>;
}

export interface OutsideNote {
  readonly text: string;
  readonly job: EntityId;
}

export interface OpenedMemory extends AsyncDisposable {
  readonly ask: AskMemory;
}

const CONNECT_MS = 2_000;
const TIDY_MS = 1_000;
const NOTE_MS = 2_500;
/** A pod that is as good as gone is not waited for. */
const NOT_REACHED = ['NIKA_POD_OUTSIDE', 'NIKA_POD_UNREACHABLE', 'NIKA_POD_LATE'];

const samePath = (a: string, b: string): boolean => {
  try {
    return realpathSync(a) === realpathSync(b);
  } catch {
    return resolve(a) === resolve(b);
  }
};

const jobOf = (env: MemoryPlace['env']): EntityId | undefined => {
  const id = entityIdSchema.safeParse(env['NIKA_ENTITY_ID']).data;
  return id !== undefined && entityTypeOf(id) === 'JOB' ? id : undefined;
};

/** Who takes a step outside of pods. */
const person = ({ USER, LOGNAME }: MemoryPlace['env']): string =>
  `${USER ?? LOGNAME ?? 'somebody'}@${hostname()}`.replaceAll(/\s/g, '_');

/** `undefined`: it runs in no pod of this home, or that is gone. */
const openPod = async ({ home, env, client }: MemoryPlace): Promise<OpenedMemory | undefined> => {
  const { NIKA_SOCKET: path = '', NIKA_HOME: outer } = env;
  if (path === '' || outer === undefined || !samePath(outer, home.dir)) return undefined;
  try {
    const pod = await connect({ path, client, deadlineMs: CONNECT_MS });
    return { ask: pod.askMemory, [Symbol.asyncDispose]: () => pod[Symbol.asyncDispose]() };
  } catch (thrown) {
    if (thrown instanceof NikaError && NOT_REACHED.includes(thrown.code)) return undefined;
    throw thrown;
  }
};

const openOwn = ({ home, settings, env, writeNotes }: MemoryPlace): OpenedMemory => {
  const link = new SessionLink(settings);
  const memory = new WorkingMemory({
    way: (signal) => link.get(signal),
    home: new HomeMemory({ runDir: home.runDir, tryLock }),
  });
  const way = (): ReturnType<SessionLink['get']> => link.get();
  const contracts = new Contracts({ way, home: new HomeContracts({ runDir: home.runDir, tryLock }) });
  const job = jobOf(env);
  const session = env['NIKA_SESSION_ID'] ?? '';
  const notes: OutsideNote[] = [];
  const note = (text: string, of: EntityId): void => void notes.push({ text, job: of });
  const own = { session, job, root: undefined, note };
  const entity = job ?? person(env);
  const desk = { ...createMemoryDesk({ memory, ...own }), ...createContractDesk({ contracts, entity, ...own }) };
  const ask: AskMemory = async (op, wish) => {
    const handle = desk[op] as (request: MemoryRequest<MemoryOp>) => Promise<never>;
    const parsed = MEMORY_SCHEMAS[op].safeParse(wish);
    // What is over is not shown, nor brought to Redis again, although no pod came since that tidied it away.
    await bestEffort('wm.tidy', { withinMs: TIDY_MS }, () => tidyMemory(home.runDir));
    try {
      if (parsed.success) return await handle(parsed.data);
    } finally {
      const told = notes.splice(0);
      if (told.length > 0) await bestEffort('wm.note', { withinMs: NOTE_MS }, () => writeNotes(told));
    }
    const [issue] = parsed.error.issues;
    throw new NikaError('NIKA_WM_BAD', `${issue?.path.join('.') ?? ''}: ${issue?.message ?? ''}`);
  };
  return { ask, [Symbol.asyncDispose]: () => link[Symbol.asyncDispose]() };
};

export const openMemory = async (place: MemoryPlace): Promise<OpenedMemory> => (await openPod(place)) ?? openOwn(place);
