/** Owns `nika contract …`: the steps of a pipeline over several pods, from a shell. */
import { readFile } from 'node:fs/promises';
import { text as readAll } from 'node:stream/consumers';
import type { Command } from 'commander';
import { errnoOf, errorMessage, NikaError } from '../../model/error.ts';
import type { WireStep } from '../../pod/memory/memory-protocol.ts';
import type { Terminal } from '../terminal.ts';
import { type MemoryFlags, openMemoryCall, warnOfPlace, withMemoryOptions } from './memory-place.ts';

interface StepFlags extends MemoryFlags {
  readonly output?: string;
  readonly inputs?: string;
  readonly reason?: string;
  readonly takeover?: true;
}

const HERE_ONLY = 'it is on this machine alone until Redis is back';

const readText = async (file: string): Promise<string> => {
  if (file === '-') return readAll(process.stdin);
  try {
    return await readFile(file, 'utf8');
  } catch (cause) {
    const why = errnoOf(cause) === 'ENOENT' ? 'there is no such file' : errorMessage(cause);
    throw new NikaError('NIKA_CLI_USAGE', `${file}: ${why}`, {
      subject: file,
      remedy: 'Name a JSON file, or -.',
      cause,
    });
  }
};

const parseJson = (text: string, named: string): unknown => {
  try {
    return JSON.parse(text) as unknown;
  } catch (cause) {
    const remedy = `Give JSON; a text is written '"text"'.`;
    throw new NikaError('NIKA_CLI_USAGE', `${named} is no JSON: ${errorMessage(cause)}`, {
      subject: named,
      remedy,
      cause,
    });
  }
};

const put = async (file: string, flags: MemoryFlags, terminal: Terminal): Promise<void> => {
  const contract = parseJson(await readText(file), file);
  await using call = await openMemoryCall(flags, terminal);
  const done = await call.ask('contract_put', { contract, ...call.job });
  warnOfPlace(done.why, terminal, HERE_ONLY);
  terminal.print(
    flags.json === true ? `${JSON.stringify(done)}\n` : `${done.job} has the contract ${done.sha256.slice(0, 12)}\n`,
  );
};

const rowOf = ({ name, role, state, needs, entity = '', at = '', output, reason }: WireStep): readonly string[] => {
  const told = reason ?? (output === undefined ? '' : JSON.stringify(output));
  return [name, state, role, needs.join(' '), entity, at, told.slice(0, 80)];
};

const get = async (flags: MemoryFlags, terminal: Terminal): Promise<void> => {
  await using call = await openMemoryCall(flags, terminal);
  const got = await call.ask('contract_get', call.job);
  if (!got.found) {
    const hint = got.why === undefined ? '' : `; Redis is away (${got.why}), and may have one`;
    throw new NikaError('NIKA_CONTRACT_NOT_FOUND', `${got.job} has no contract${hint}`, { subject: got.job });
  }
  warnOfPlace(got.why, terminal, 'this is what the home has');
  if (flags.json === true) {
    terminal.print(`${JSON.stringify(got)}\n`);
    return;
  }
  const { cell, renderTable } = await import('../table.ts');
  const head = ['STEP', 'STATE', 'ROLE', 'NEEDS', 'BY', 'AT', 'CAME TO'].map((title) => terminal.paint('dim', title));
  terminal.print(renderTable([head, ...got.steps.map((step) => rowOf(step).map(cell))]));
};

type Action = 'start' | 'complete' | 'fail';

const refuseForeign = (action: Action, { output, inputs, reason, takeover }: StepFlags): void => {
  const wrong = [
    ['--output', output, 'complete'],
    ['--inputs', inputs, 'start'],
    ['--reason', reason, 'fail'],
    ['--takeover', takeover, 'start'],
  ].find(([, given, of]) => given !== undefined && of !== action);
  if (wrong !== undefined)
    throw new NikaError('NIKA_CLI_USAGE', `${wrong[0]} goes with "${wrong[2]}", not with "${action}"`);
  if (action === 'fail' && reason === undefined)
    throw new NikaError('NIKA_CLI_USAGE', 'why did it fail? Give --reason');
};

const step = async (name: string, action: string, flags: StepFlags, terminal: Terminal): Promise<void> => {
  if (action !== 'start' && action !== 'complete' && action !== 'fail') {
    throw new NikaError('NIKA_CLI_USAGE', `"${action}" is none of start, complete, fail`, { subject: action });
  }
  refuseForeign(action, flags);
  const { output, inputs, reason, takeover } = flags;
  const read = async (text: string, named: string): Promise<unknown> =>
    parseJson(text === '-' ? await readText('-') : text, named);
  const fields = {
    ...(output === undefined ? {} : { output: await read(output, '--output') }),
    ...(inputs === undefined ? {} : { inputs: await read(inputs, '--inputs') }),
    ...(reason === undefined ? {} : { reason }),
    ...(takeover === undefined ? {} : { takeover }),
  };
  await using call = await openMemoryCall(flags, terminal);
  const done = await call.ask('contract_step', { step: name, action, ...fields, ...call.job });
  warnOfPlace(done.why, terminal, HERE_ONLY);
  terminal.print(flags.json === true ? `${JSON.stringify(done)}\n` : `${done.step}  ${done.state}  ${done.job}\n`);
};

export const addContractCommands = (program: Command, terminal: Terminal): void => {
  const contract = program
    .command('contract')
    .description('the steps of a pipeline over several pods: who does what, from what, to what end')
    .addHelpText(
      'after',
      `
A contract is JSON: {"steps": [{"name": "scan", "role": "scanner", "outputs": {"type": "array"}},
                               {"name": "fix", "role": "fixer", "needs": ["scan"]}]}
"inputs" and "outputs" are JSON Schema. A step is pending, running, completed or failed; completed it is once.

Examples:
  $ nika contract put pipeline.json --job @last
  $ nika contract step scan start
  $ nika contract step scan complete --output '["a.ts", "b.ts"]'
  $ nika contract get --job @last`,
    );
  withMemoryOptions(
    contract
      .command('put')
      .description('Sets the contract of a job; another one is replaced while none of its steps has begun.')
      .argument('[file]', 'JSON; - is standard input', '-'),
  )
    .addHelpText('after', '\nExamples:\n  $ nika contract put pipeline.json --job k3f9')
    .action((file: string, flags: MemoryFlags) => put(file, flags, terminal));
  withMemoryOptions(contract.command('get').description('Shows the steps of a contract, and how each stands.'))
    .addHelpText('after', '\nExamples:\n  $ nika contract get --job @last --json')
    .action((flags: MemoryFlags) => get(flags, terminal));
  withMemoryOptions(
    contract
      .command('step')
      .description('Starts, completes or fails a step.')
      .argument('<step>', 'its name')
      .argument('<action>', 'start, complete or fail'),
  )
    .option('--output <json>', 'of complete: what came of it; - is standard input')
    .option('--inputs <json>', 'of start: what it begins from; - is standard input')
    .option('--reason <text>', 'of fail: why')
    .option('--takeover', 'of start: also where another pod has it, which is gone')
    .addHelpText('after', `\nExamples:\n  $ nika contract step fix fail --reason 'the host refused'`)
    .action((name: string, action: string, flags: StepFlags) => step(name, action, flags, terminal));
};
