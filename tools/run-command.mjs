// Runs one program and keeps what it printed.
import { spawn } from 'node:child_process';
import { delimiter, dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

/** The folder of the repository. */
export const root = dirname(dirname(fileURLToPath(import.meta.url)));

/** What programs need of the environment: no colors in kept output, no prompts, no background daemon. */
const quietEnvironment = { NO_COLOR: '1', FORCE_COLOR: undefined, NX_DAEMON: 'false', CI: 'true' };

/** nx turns colors on for its children unless this says no; Node warns when both variables are set. */
const nxEnvironment = { NO_COLOR: undefined, FORCE_COLOR: '0' };

/**
 * Runs a program to its end.
 * `echo: true` lets it write to the terminal directly, and nothing is kept.
 * @returns {Promise<{ code: number, output: string }>} 127 when the program cannot be started
 */
export function runCommand(command, args, { cwd = root, env = {}, echo = false, timeoutMs = 0 } = {}) {
  return new Promise((resolve) => {
    const environment = { ...process.env, ...(echo ? { NX_DAEMON: 'false' } : quietEnvironment), ...env };
    environment.PATH = [join(root, 'node_modules', '.bin'), process.env.PATH].join(delimiter);
    for (const [name, value] of Object.entries(environment))
      if (value === undefined) delete environment[name];
    const child = spawn(command, args, {
      cwd,
      env: environment,
      stdio: echo ? ['ignore', 'inherit', 'inherit'] : ['ignore', 'pipe', 'pipe'],
      ...(timeoutMs > 0 ? { timeout: timeoutMs } : {}),
    });
    let output = '';
    child.stdout?.on('data', (chunk) => (output += chunk));
    child.stderr?.on('data', (chunk) => (output += chunk));
    child.on('error', (error) => resolve({ code: 127, output: `${command}: ${error.message}` }));
    child.on('close', (code, signal) => {
      resolve({
        code: code ?? 1,
        output: signal === null ? output : `${output}\n${command} was ended by ${signal}`,
      });
    });
  });
}

/** The JavaScript file of an installed tool, so that no shell looks a name up. */
export function toolPath(file) {
  return join(root, 'node_modules', file);
}

/** Runs one target of all projects, or of a selection; unchanged ones come from the cache. */
function runNx(target, selection = []) {
  const args = ['run-many', '-t', target, ...selection, '--output-style=stream', '--parallel=2'];
  return runCommand(process.execPath, [toolPath('nx/dist/bin/nx.js'), ...args], { env: nxEnvironment });
}

/**
 * Builds projects and everything they depend on; unchanged ones come from the cache.
 * The target `bundle` makes what runs, `build` also the declarations that are published.
 * @returns {Promise<{ code: number, output: string }>} on failure, what the projects that failed printed
 */
export async function build(target, projects = []) {
  const selection = projects.length > 0 ? ['-p', projects.join(',')] : [];
  const { code, output } = await runNx(target, selection);
  return { code, output: code === 0 ? output : linesOfFailedProjects(output) };
}

/** nx prefixes each line with its project and lists the failed tasks at the end. */
function linesOfFailedProjects(output) {
  const failed = [...output.matchAll(/^- (\S+):\w+$/gm)].map((match) => match[1]);
  const [, list = ''] = output.split('Failed tasks:');
  const projects = failed.filter((project) => list.includes(`- ${project}:`));
  const lines = output
    .split('\n')
    .filter((line) => projects.some((project) => line.startsWith(`${project}: `)));
  return lines.length > 0 ? lines.filter((line) => !/: npm (?:warn|error)/.test(line)).join('\n') : output;
}
