/** Owns what becomes of a word to an agent that has ended: its session is gone on with, in a pod of its own. */
import { existsSync } from 'node:fs';
import { literalText } from '../../config/expression/template.ts';
import { NikaError } from '../../model/error.ts';
import type { PodRecord } from '../../pod/registry/pod-record.ts';
import type { Terminal } from '../terminal.ts';
import { launch } from './launch.ts';
import type { PodContext } from './pod-context.ts';

/** The pod that goes on with the session of one that has ended: two at once would write one transcript. */
export const goesOnAs = (record: PodRecord, { records }: PodContext): PodRecord | undefined =>
  hasEndedSession(record)
    ? records.find(({ agent, end }) => end === null && agent?.session === record.agent?.session)
    : undefined;

export const hasEndedSession = (record: PodRecord): boolean =>
  record.end !== null && record.agent !== null && record.agent.session !== null;

/**
 * An agent finds its session by the folder that it ran in: in the worktree where it was; where that is gone, one that
 * is made again at the same place, from where it ended.
 */
const placeOf = ({ worktree, cwd }: PodRecord, calledIn: string) => {
  if (worktree === null) return { cwd: calledIn, fields: {} };
  if (existsSync(cwd)) return { cwd, fields: { cwd: undefined, worktree: false } };
  const { path, branch, base, head } = worktree;
  const again = { path: literalText(path), branch: literalText(branch), base: head ?? base };
  return { cwd: calledIn, fields: { worktree: again } };
};

/**
 * Starts the same job, with the same inputs, in the agent's old session: it is asked `text`. Prints the new id.
 * @throws {NikaError} `NIKA_POD_UNKNOWN`: how it was started is not known any more.
 */
export const resumeAgent = async (
  record: PodRecord,
  text: string,
  { home, settings }: PodContext,
  terminal: Terminal,
): Promise<void> => {
  const [{ readSpec }, { resolveJob, inlineJob }] = await Promise.all([
    import('../../pod/launch/launch-spec.ts'),
    import('../../pod/launch/resolve-launch.ts'),
  ]);
  const spec = readSpec(home.runDir, record.entity);
  const session = record.agent?.session ?? '';
  if (spec === undefined) {
    throw new NikaError('NIKA_POD_UNKNOWN', `how ${record.entity} was started is not known any more`, {
      subject: record.entity,
      remedy: `Go on with its session yourself: nika pod start <job> --input resume=${session} "…"`,
    });
  }
  const { job } = await resolveJob(home, spec);
  const { steps: _steps, interactive: _interactive, args: _args, ...fields } = job;
  const args = job.interactive === true ? {} : { args: job.args };
  const asked = { prompt: literalText(text), resume: literalText(session) };
  const place = placeOf(record, spec.called_in);
  const form = structuredClone({ ...fields, ...args, ...asked, ...place.fields }) as Record<string, unknown>;
  terminal.warn(`${record.entity} has ended: its session goes on in a pod of its own`);
  await launch(
    {
      home,
      settings,
      job: inlineJob(form),
      jobFile: undefined,
      inputs: spec.inputs,
      options: { wait: true, detach: true, ...(spec.parent === null ? {} : { parent: spec.parent }) },
      passTerminal: false,
    },
    { ...terminal, cwd: place.cwd },
  );
};
