/** Owns what a person probably meant who called a command that is none, or put an option before its command. */

/** What is written of words that look like commands; by the commands before them. */
const MEANT: Readonly<Record<string, Readonly<Record<string, string>>>> = {
  '': {
    start: 'nika pod start <job>',
    run: 'nika pod start <job>',
    list: 'nika job list (jobs to start) or nika tree (what ran)',
    ls: 'nika job list (jobs to start) or nika tree (what ran)',
    ps: 'nika tree',
    status: 'nika tree',
    check: 'nika job check',
    show: 'nika bus show <entity>',
    log: 'nika bus tail',
    logs: 'nika bus tail',
    tail: 'nika bus tail',
    grep: 'nika bus grep <regex>',
    verify: 'nika bus verify',
    heads: 'nika bus heads',
  },
  pod: {
    list: 'nika tree (what ran) or nika job list (jobs to start)',
    ls: 'nika tree (what ran) or nika job list (jobs to start)',
    ps: 'nika tree',
    status: 'nika tree',
    run: 'nika pod start <job>',
    show: 'nika bus show <entity>',
    log: 'nika bus show <entity>',
    logs: 'nika bus show <entity>',
  },
  job: {
    start: 'nika pod start <job>',
    run: 'nika pod start <job>',
    ls: 'nika job list',
    validate: 'nika job check',
    init: 'nika init',
  },
  bus: { search: 'nika bus grep <regex>', follow: 'nika bus tail -f', log: 'nika bus tail', check: 'nika bus verify' },
};

const meantCommand = (error: string, args: readonly string[]): string | undefined => {
  const word = /unknown command '([^']+)'/.exec(error)?.[1];
  if (word === undefined) return undefined;
  const group = args[0] === word ? '' : (args[0] ?? '');
  const meant = Object.hasOwn(MEANT, group) ? MEANT[group] : undefined;
  return meant !== undefined && Object.hasOwn(meant, word) ? `Did you mean ${meant[word]}?` : undefined;
};

/** `nika --home X tree`: the options before the command, put behind it. */
const optionsBehind = (error: string, args: readonly string[]): string | undefined => {
  if (!/unknown option/.test(error) || args[0]?.startsWith('--') !== true) return undefined;
  const takesNext = args[0] === '--home';
  const count = takesNext ? 2 : 1;
  const command = args.slice(count).join(' ');
  const options = args.slice(0, count).join(' ');
  const example = command === '' ? `nika tree ${options}` : `nika ${command} ${options}`;
  return `Options stand behind the command: ${example}`;
};

/** One more sentence for commander's error, if there is one to say. `args`: what was given behind `nika`. */
export const usageHint = (error: string, args: readonly string[]): string | undefined =>
  meantCommand(error, args) ?? optionsBehind(error, args);
