/** Owns what a person probably meant who called a command that is none, or put an option before its command. */

/** What is written of words that look like commands; by the commands before them. */
const MEANT: Readonly<Record<string, Readonly<Record<string, string>>>> = {
  '': {
    start: 'nika pod start <job>',
    list: 'nika pod ls (what runs) or nika job list (jobs to start)',
    ls: 'nika pod ls (what runs) or nika job list (jobs to start)',
    ps: 'nika pod ls',
    status: 'nika pod ls',
    stop: 'nika pod stop <id>',
    kill: 'nika pod kill <id>',
    attach: 'nika pod attach <id>',
    exec: 'nika run -- <program>',
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
    ps: 'nika pod ls',
    status: 'nika pod ls',
    run: 'nika pod start <job>, or nika run -- <program>',
    log: 'nika pod logs <id>',
    inspect: 'nika pod show <id>',
    rm: 'nika pod prune',
    resume: 'nika pod unpause <id>',
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
