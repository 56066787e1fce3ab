/** Owns shell completion: `nika completion <shell>` prints a script that asks nika itself what fits. */
import type { Command } from 'commander';
import { NikaError } from '../model/error.ts';
import type { Terminal } from './terminal.ts';

const ASK = '__complete';

/** One suggestion a line comes back; the last word is what is being typed. */
const SCRIPTS: Readonly<Record<string, string>> = {
  bash: `# nika completion for bash: source <(nika completion bash)
_nika() {
  local IFS=$'\\n'
  COMPREPLY=($(nika ${ASK} -- "\${COMP_WORDS[@]:1:COMP_CWORD}" 2>/dev/null))
}
complete -o default -F _nika nika
`,
  zsh: `#compdef nika
# nika completion for zsh: source <(nika completion zsh), or a file _nika in a folder of $fpath
_nika() {
  local -a found
  found=("\${(@f)$(nika ${ASK} -- "\${(@)words[2,CURRENT]}" 2>/dev/null)}")
  compadd -a found
}
compdef _nika nika
`,
  fish: `# nika completion for fish: nika completion fish | source
complete -c nika -f -a '(nika ${ASK} -- (commandline -opc)[2..] (commandline -ct) 2>/dev/null)'
`,
};

interface Place {
  readonly command: Command;
  /** Arguments of the command that are there already. */
  readonly argumentCount: number;
  /** The option that waits for its value. */
  readonly option: string | undefined;
}

const takesValue = (command: Command, word: string): boolean =>
  command.options.some(
    (option) => (option.long === word || option.short === word) && (option.required || option.optional),
  );

/** Where the words before the last one lead. */
const placeOf = (program: Command, words: readonly string[]): Place => {
  let command = program;
  let argumentCount = 0;
  let option: string | undefined;
  for (const word of words) {
    if (option !== undefined) option = undefined;
    else if (word.startsWith('-')) option = takesValue(command, word) ? word : undefined;
    else {
      const sub = command.commands.find((each) => each.name() === word || each.aliases().includes(word));
      if (sub === undefined) argumentCount += 1;
      else command = sub;
    }
  }
  return { command, argumentCount, option };
};

const jobNames = async ({ env, cwd }: Terminal): Promise<readonly string[]> => {
  const [{ resolveHome }, { listJobNames }] = await Promise.all([
    import('../config/home.ts'),
    import('../config/job/job-files.ts'),
  ]);
  return listJobNames(resolveHome({ env, cwd }));
};

/** Commands that are for pods that run. */
const OF_LIVING: readonly string[] = ['stop', 'kill', 'pause', 'unpause', 'attach', 'send', 'allow', 'deny', 'wait'];

const podNames = async (command: string, { env, cwd }: Terminal): Promise<readonly string[]> => {
  const [{ resolveHome }, { readRecords }, { latestOfEach, shortPodId }] = await Promise.all([
    import('../config/home.ts'),
    import('../pod/registry/record-file.ts'),
    import('../pod/registry/resolve-pod.ts'),
  ]);
  const records = latestOfEach(readRecords(resolveHome({ env, cwd }).runDir));
  const chosen = OF_LIVING.includes(command) ? records.filter(({ end }) => end === null) : records;
  return ['@last', ...chosen.map(({ entity }) => shortPodId(entity))];
};

const argumentValues = async ({ command, argumentCount }: Place, terminal: Terminal): Promise<readonly string[]> => {
  const declared = command.registeredArguments;
  const argument = declared[argumentCount] ?? (declared.at(-1)?.variadic === true ? declared.at(-1) : undefined);
  switch (argument?.name()) {
    case 'job':
      return jobNames(terminal);
    case 'id':
    case 'entity':
      return podNames(command.name(), terminal);
    case 'shell':
      return Object.keys(SCRIPTS);
    default:
      return [];
  }
};

/** What fits in the place of the last word. */
export const suggestions = async (
  program: Command,
  words: readonly string[],
  terminal: Terminal,
): Promise<readonly string[]> => {
  const typed = words.at(-1) ?? '';
  const place = placeOf(program, words.slice(0, -1));
  if (place.option !== undefined) return []; // the shell's own: files
  const { command } = place;
  const all = typed.startsWith('-')
    ? [...command.options.flatMap(({ long, hidden }) => (long === undefined || hidden ? [] : [long])), '--help']
    : [
        ...command.commands.flatMap((sub) => (sub.name().startsWith('_') ? [] : [sub.name()])),
        ...(await argumentValues(place, terminal)),
      ];
  return [...new Set(all)].filter((each) => each.startsWith(typed));
};

export const addCompletionCommand = (program: Command, terminal: Terminal): void => {
  program
    .command('completion')
    .description('Prints a script that completes commands, flags, jobs and pods in your shell.')
    .argument('<shell>', 'bash, zsh or fish')
    .addHelpText('after', '\nExamples:\n  $ source <(nika completion bash)\n  $ nika completion fish | source')
    .action((shell: string) => {
      const script = Object.hasOwn(SCRIPTS, shell) ? SCRIPTS[shell] : undefined;
      if (script === undefined) {
        throw new NikaError('NIKA_CLI_USAGE', `there is no completion for "${shell}", but for bash, zsh and fish`);
      }
      terminal.print(script);
    });
  program
    .command(ASK, { hidden: true })
    .argument('[words...]')
    .action(async (words: string[]) => {
      const found = await suggestions(program, words, terminal);
      terminal.print(found.map((each) => `${each}\n`).join(''));
    });
};
