/** Owns `nika wm …`: working memory from a shell. */
import type { Command } from 'commander';
import { NikaError } from '../../model/error.ts';
import type { WireHead } from '../../pod/memory/memory-protocol.ts';
import type { Terminal } from '../terminal.ts';
import { type MemoryFlags, openMemoryCall, warnOfPlace, withMemoryOptions } from './memory-place.ts';

interface PutFlags extends MemoryFlags {
  readonly type?: string;
  readonly ifAbsent?: true;
  readonly ifSha256?: string;
}

const EXIT_FAILED = 1;
const SHOWN_HASH = 12;
const HERE_ONLY = 'it is on this machine alone until Redis is back';

const put = async (artifact: string, file: string, flags: PutFlags, terminal: Terminal): Promise<void> => {
  const [{ guessType, readFileValue, readStdinValue }, { refuseTooLarge }] = await Promise.all([
    import('./read-value.ts'),
    import('../../pod/memory/memory-api.ts'),
  ]);
  if (flags.ifSha256 !== undefined && !/^[0-9a-f]{64}$/.test(flags.ifSha256)) {
    throw new NikaError('NIKA_CLI_USAGE', `--if-sha256: "${flags.ifSha256}" is no SHA-256: 64 hexadecimal digits`);
  }
  const { value, bytes } = await (file === '-' ? readStdinValue(process.stdin) : readFileValue(file));
  refuseTooLarge(artifact, bytes);
  await using call = await openMemoryCall(flags, terminal);
  const done = await call.ask('wm_put', {
    artifact,
    value: value.toString('base64'),
    content_type: flags.type ?? guessType(file === '-' ? artifact : file, value),
    ...call.job,
    ...(flags.ifAbsent === true ? { if_absent: true } : {}),
    ...(flags.ifSha256 === undefined ? {} : { if_sha256: flags.ifSha256 }),
  });
  warnOfPlace(done.why, terminal, HERE_ONLY);
  const { formatBytes } = await import('../format.ts');
  const line = `${done.artifact}  ${formatBytes(done.bytes)}  ${done.content_type}  sha256 ${done.sha256}`;
  terminal.print(flags.json === true ? `${JSON.stringify(done)}\n` : `${line}  ${done.job}\n`);
};

const get = async (artifact: string, flags: MemoryFlags, terminal: Terminal): Promise<void> => {
  await using call = await openMemoryCall(flags, terminal);
  const got = await call.ask('wm_get', { artifact, ...call.job });
  if (!got.found) {
    const hint = got.why === undefined ? '' : `; Redis is away (${got.why}), and may have one`;
    throw new NikaError('NIKA_WM_NOT_FOUND', `${got.job} has no artifact ${artifact}${hint}`, { subject: artifact });
  }
  warnOfPlace(got.why, terminal, 'this is what the home has');
  if (flags.json === true) {
    terminal.print(`${JSON.stringify(got)}\n`);
    return;
  }
  const { promise: written, resolve } = Promise.withResolvers<void>();
  terminal.stdout.write(Buffer.from(got.value, 'base64'), () => resolve());
  await written;
};

const rowOf = (head: WireHead, formatBytes: (bytes: number) => string): readonly string[] => [
  head.artifact,
  formatBytes(head.bytes),
  head.content_type,
  head.sha256.slice(0, SHOWN_HASH),
  new Date(head.ts).toISOString(),
];

const list = async (flags: MemoryFlags, terminal: Terminal): Promise<void> => {
  await using call = await openMemoryCall(flags, terminal);
  const listed = await call.ask('wm_list', call.job);
  warnOfPlace(listed.why, terminal, 'this is what the home has');
  if (flags.json === true) {
    terminal.print(`${JSON.stringify(listed)}\n`);
    return;
  }
  if (listed.artifacts.length === 0) {
    terminal.warn(`${listed.job} has no artifacts.`);
    return;
  }
  const [{ cell, renderTable }, { formatBytes }] = await Promise.all([import('../table.ts'), import('../format.ts')]);
  const head = ['ARTIFACT', 'SIZE', 'TYPE', 'SHA256', 'PUT'].map((title) => terminal.paint('dim', title));
  terminal.print(renderTable([head, ...listed.artifacts.map((one) => rowOf(one, formatBytes).map(cell))]));
};

const remove = async (artifacts: readonly string[], flags: MemoryFlags, terminal: Terminal): Promise<void> => {
  await using call = await openMemoryCall(flags, terminal);
  for (const artifact of artifacts) {
    const { deleted, job, why } = await call.ask('wm_delete', { artifact, ...call.job });
    warnOfPlace(why, terminal, 'it is gone here; elsewhere when Redis is back');
    if (flags.json === true) terminal.print(`${JSON.stringify({ artifact, job, deleted })}\n`);
    else if (!deleted) terminal.warn(`${job} has no artifact ${artifact}`);
    if (!deleted) process.exitCode = EXIT_FAILED;
  }
};

export const addWmCommands = (program: Command, terminal: Terminal): void => {
  const wm = program
    .command('wm')
    .description('what the pods of a job share while they work: working memory')
    .addHelpText(
      'after',
      `
An artifact is a named value of less than 512 kB, text or binary, with its type and hash. It lives as long as its job and
an hour more. Inside of a pod it belongs to the pod's own job unless --job names another one.

Examples:
  $ nika wm put plan.json plan.json
  $ git diff | nika wm put changes.diff - --job root
  $ nika wm ls --job @last
  $ nika wm get plan.json --job k3f9 > plan.json`,
    );
  withMemoryOptions(
    wm
      .command('put')
      .description('Puts a file, or what is piped in, under a name; what was there is replaced.')
      .argument('<artifact>', 'its name: letters, digits and . _ -')
      .argument('[file]', 'the file; - is standard input', '-'),
  )
    .option('--type <type>', 'content type; by default by the name of the file, and what is in it')
    .option('--if-absent', 'only if there is none of that name')
    .option('--if-sha256 <hash>', 'only if what is there has this hash')
    .addHelpText('after', '\nExamples:\n  $ nika wm put notes.md notes.md\n  $ date | nika wm put now -')
    .action((artifact: string, file: string, flags: PutFlags) => put(artifact, file, flags, terminal));
  withMemoryOptions(wm.command('get').description('Prints an artifact as it is.').argument('<artifact>', 'its name'))
    .addHelpText('after', '\nExamples:\n  $ nika wm get plan.json | jq .steps')
    .action((artifact: string, flags: MemoryFlags) => get(artifact, flags, terminal));
  withMemoryOptions(wm.command('ls').description('Lists the artifacts of a job.'))
    .addHelpText('after', '\nExamples:\n  $ nika wm ls --job @last --json')
    .action((flags: MemoryFlags) => list(flags, terminal));
  withMemoryOptions(wm.command('rm').description('Removes artifacts.').argument('<artifact...>', 'their names'))
    .addHelpText('after', '\nExamples:\n  $ nika wm rm plan.json notes.md')
    .action((artifacts: string[], flags: MemoryFlags) => remove(artifacts, flags, terminal));
};
