/**
 * Owns which tools of agents do what a tool of nika does: a rule for `shell` holds for Claude Code's `Bash` and Codex's
 * `exec_command` too, so that one policy is enough. Pure.
 */

/** By nika's name; the agents' names as they come with their calls. */
const KIN: Readonly<Record<string, readonly string[]>> = {
  shell: ['Bash', 'bash', 'Shell', 'run_shell_command', 'exec_command', 'local_shell', 'BashOutput', 'PowerShell'],
  read_file: ['Read', 'read', 'read_many_files', 'view_image', 'NotebookRead'],
  write_file: [
    'Write',
    'Edit',
    'MultiEdit',
    'NotebookEdit',
    'write',
    'edit',
    'multiedit',
    'patch',
    'apply_patch',
    'replace',
  ],
  list_files: ['Glob', 'LS', 'glob', 'list', 'ls', 'list_directory'],
  search: ['Grep', 'grep', 'grep_search', 'search_file_content'],
  http: ['WebFetch', 'webfetch', 'web_fetch'],
};

const BY_AGENTS_NAME = new Map(
  Object.entries(KIN).flatMap(([own, names]) => names.map((name) => [name, own] as const)),
);

/** What nika calls a tool that does the same; `undefined`: none. */
export const kinOf = (tool: string): string | undefined => BY_AGENTS_NAME.get(tool);
