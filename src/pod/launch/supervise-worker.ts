/**
 * Runs a detached pod: the process that `nika pod start -d` leaves behind. It is given the path of its launch spec, and
 * says in a file beside it whether it started, waits, or why not.
 */
import { renameSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { resolveHome } from '../../config/home.ts';
import { loadSettings } from '../../config/settings.ts';
import { bestEffortSync } from '../../failopen/best-effort.ts';
import { errorMessage, NikaError } from '../../model/error.ts';
import { endNow } from '../end-now.ts';
import { Stop, STOP_SIGNALS } from '../ending.ts';
import type { PodControl } from '../pod-control.ts';
import { superviseJob } from '../supervise.ts';
import { leaveParentTree } from '../tree/cgroup.ts';
import { killLivingPrograms } from '../tools/tool-program.ts';
import { answerPath, errorsPath, type LaunchAnswer, readSpec, takeEnv } from './launch-spec.ts';
import { givenOf, resolveJob } from './resolve-launch.ts';
import { parseEntityId, sessionIdSchema } from '../../model/id.ts';

/** Told once: the first answer stands. */
class Answering {
  readonly #runDir: string;
  readonly #session: string;
  #isTold = false;

  constructor(runDir: string, session: string) {
    this.#runDir = runDir;
    this.#session = session;
  }

  tell(answer: LaunchAnswer): void {
    if (this.#isTold) return;
    this.#isTold = true;
    const path = answerPath(this.#runDir, this.#session);
    bestEffortSync('pod.answer', () => {
      writeFileSync(`${path}.tmp`, JSON.stringify(answer), { mode: 0o600 });
      renameSync(`${path}.tmp`, path); // whole, or not there
    });
  }
}

const refusal = (thrown: unknown): LaunchAnswer =>
  thrown instanceof NikaError
    ? {
        kind: 'refused',
        code: thrown.code,
        message: thrown.message,
        remedy: thrown.remedy,
        subject: thrown.subject ?? null,
      }
    : { kind: 'refused', code: 'NIKA_POD_NOT_STARTED', message: errorMessage(thrown), remedy: '', subject: null };

const stopAtSignals = (stop: Stop, control: () => PodControl | undefined): void => {
  for (const signal of STOP_SIGNALS) {
    process.on(signal, () => {
      if (stop.signal.aborted) control()?.kill(`${signal} a second time`);
      else stop.now({ kind: 'interrupted', signal });
    });
  }
};

const main = async (homeDir: string, entity: string, session: string): Promise<void> => {
  const home = resolveHome({ flag: homeDir, env: process.env, cwd: '/' });
  const id = sessionIdSchema.parse(session);
  const answering = new Answering(home.runDir, id);
  let control: PodControl | undefined;
  using stop = new Stop();
  stopAtSignals(stop, () => control);
  try {
    leaveParentTree();
    const spec = readSpec(home.runDir, parseEntityId(entity));
    if (spec === undefined) throw new Error(`there is no launch spec of ${entity} in ${home.runDir}`);
    if (spec.tmux !== null) Object.assign(process.env, takeEnv(home.runDir, id));
    const settings = loadSettings(home, process.env);
    const { job, jobFile } = await resolveJob(home, spec);
    const { isHeldUp } = await superviseJob({
      home,
      settings,
      job,
      jobFile,
      inputs: spec.inputs,
      parent: spec.parent ?? undefined,
      id: spec.entity,
      calledIn: spec.called_in,
      env: process.env,
      stop,
      listener: (event) => {
        if (event.event === 'pod_started') answering.tell({ kind: 'started' });
        if (event.event === 'queued') answering.tell({ kind: 'queued', why: event.why });
      },
      detached: true,
      ...(spec.tmux === null ? {} : { tmux: spec.tmux, passTerminal: true }),
      openAgentRunner: async (...given) => (await import('../../agents/agent-runner.ts')).openAgentRunner(...given),
      mayWait: spec.may_wait,
      sessionId: id,
      resumes: spec.resumes,
      ...(spec.rejected === undefined ? {} : { rejected: spec.rejected }),
      ...givenOf(spec),
      onControl: (next) => {
        control = next;
      },
    });
    answering.tell({ kind: 'started' }); // it ended before it began to work: its record says so
    bestEffortSync('pod.errors', () => dropEmptyErrors(home.runDir, id));
    if (isHeldUp) endNow(0);
  } catch (thrown) {
    answering.tell(refusal(thrown));
    if (!(thrown instanceof NikaError)) throw thrown;
    process.exitCode = thrown.exitCode;
  }
};

process.once('exit', killLivingPrograms); // whatever ends the supervisor, no tool is left
/** Nothing was printed, nothing is kept. */
const dropEmptyErrors = (runDir: string, session: string): void => {
  const path = errorsPath(runDir, session);
  if (statSync(path, { throwIfNoEntry: false })?.size === 0) rmSync(path, { force: true });
};

const [homeDir = '', entity = '', session = ''] = process.argv.slice(2);
await main(homeDir, entity, session);
