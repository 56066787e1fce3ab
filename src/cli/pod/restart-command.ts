/** Owns `nika pod restart`: the same job with the same inputs once more. */
import type { Command } from 'commander';
import { NikaError } from '../../model/error.ts';
import { isTerminal } from '../../model/entity.ts';
import { sessionIdSchema } from '../../model/id.ts';
import type { LaunchSpec } from '../../pod/launch/launch-spec.ts';
import type { PodRecord } from '../../pod/registry/pod-record.ts';
import { isOver } from '../../pod/registry/pod-status.ts';
import type { Rejection } from '../../model/rejection.ts';
import type { Terminal } from '../terminal.ts';
import { launch } from './launch.ts';
import { namedPods, openPodContext, type PodContext } from './pod-context.ts';
import { stopAndTell } from './stop-commands.ts';

interface RestartOptions {
  readonly home?: string;
  readonly foreground?: true;
  readonly json?: true;
}

/** An entity that is still open goes on with its next attempt; one that is over stays so, and a new one is made. */
const openView = async ({ entity }: PodRecord, { home }: PodContext) => {
  const { readEntity } = await import('../../bus/query/entities.ts');
  const view = await readEntity(home.busDir, entity);
  return view?.state !== undefined && !isTerminal(view.state) ? view : undefined;
};

/** With a lease of its own, where it is a job of the queue. @throws {NikaError} another one has the job by now */
const givenAgain = async (spec: LaunchSpec, { entity }: PodRecord, rev: number, { settings }: PodContext) => {
  const session = sessionIdSchema.parse(crypto.randomUUID());
  if (spec.lease === null) return { session, given: spec };
  const { acquireAgain } = await import('../../pod/lease/lease-again.ts');
  const lease = await acquireAgain({ settings, entity, rev, before: spec.lease, session });
  return { session, given: { ...spec, lease } };
};

/** What the attempt that comes next is told of a review; it may be that whoever rejected the last did not come to start it. */
const rejectionOf = async ({ entity }: PodRecord, { home }: PodContext): Promise<Rejection | undefined> => {
  const { readEntity } = await import('../../bus/query/entities.ts');
  const { review } = (await readEntity(home.busDir, entity)) ?? {};
  return review?.decision === 'rejected' ? { round: review.round, reason: review.why ?? '' } : undefined;
};

const restart = async (name: string, options: RestartOptions, terminal: Terminal): Promise<void> => {
  const [{ readSpec }, { resolveJob }] = await Promise.all([
    import('../../pod/launch/launch-spec.ts'),
    import('../../pod/launch/resolve-launch.ts'),
  ]);
  const context = await openPodContext(options.home, terminal);
  const [record] = await namedPods([name], context);
  if (record === undefined) return;
  const { home, settings } = context;
  const spec = readSpec(home.runDir, record.entity);
  if (spec === undefined) {
    throw new NikaError('NIKA_POD_UNKNOWN', `how ${record.entity} was started is not known any more`, {
      subject: record.entity,
      remedy: 'Start its job anew: nika pod start <job>.',
    });
  }
  const rejected = await rejectionOf(record, context);
  const { job, jobFile } = await resolveJob(home, spec);
  if (!isOver(record)) await stopAndTell([record], context, { why: 'restarted', isAttempt: true }, terminal);
  const view = await openView(record, context);
  const resumes = view !== undefined;
  const again = resumes ? await givenAgain(spec, record, view.rev, context) : {};
  await launch(
    {
      home,
      settings,
      job,
      jobFile,
      inputs: spec.inputs,
      options: {
        wait: true,
        ...(options.foreground === true ? {} : { detach: true }),
        ...(options.json === true ? { json: true } : {}),
        ...(spec.tmux === null || options.foreground === true ? {} : { tmux: true }),
        ...(spec.parent === null ? {} : { parent: spec.parent }),
        ...(resumes ? { id: record.entity } : {}),
        ...(typeof spec.worktree === 'boolean' ? { worktree: spec.worktree } : spec.worktree),
      },
      passTerminal: spec.tmux !== null,
      resumes,
      ...(resumes && rejected !== undefined ? { rejected } : {}),
      ...again,
    },
    { ...terminal, cwd: spec.called_in },
  );
};

export const addRestartCommand = (pod: Command, terminal: Terminal): void => {
  pod
    .command('restart')
    .description(
      'Starts the job of a pod again with the same inputs, in the background; a pod that runs is stopped first.',
    )
    .argument('<id>', 'id, unique prefix, name of a job that runs, or @last')
    .option('--foreground', 'in this terminal')
    .option('--json', 'one JSON object: id, session')
    .option('--home <dir>', 'the home: config/, _bus/, logs/, run/')
    .addHelpText(
      'after',
      `
A job that is still open (its pod was stopped for this, or died with attempts left) goes on with its next attempt under
the same id. A job that is over stays as it is, and a new one is made.

Examples:
  $ nika pod restart k3f9
  $ nika pod restart @last --foreground`,
    )
    .action((name: string, options: RestartOptions) => restart(name, options, terminal));
};
