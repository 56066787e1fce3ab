/** Owns `docs/reference/cli.md`: every command's help, as the command prints it. */
import type { Command } from 'commander';

const FENCE = '```';

const helpOf = (command: Command): string => {
  let text = '';
  command.configureOutput({
    writeOut: (part) => {
      text += part;
    },
  });
  command.configureHelp({ helpWidth: 110 });
  command.outputHelp();
  return text.trimEnd();
};

const sections = (command: Command, path: string): readonly string[] => [
  `## \`${path}\`\n\n${FENCE}\n${helpOf(command)}\n${FENCE}`,
  ...command.commands.flatMap((sub) => sections(sub, `${path} ${sub.name()}`)),
];

export const cliReference = (program: Command): string => ['# Commands', ...sections(program, 'nika')].join('\n\n');
