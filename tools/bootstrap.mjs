// Makes a fresh clone runnable: installs the locked dependencies when they are missing or do not match the lockfile.
// Runs before anything is installed, on the Node the machine has (20 or later), so it uses nothing but Node itself.
// Afterwards npm scripts run on the Node that the dev dependency `node` brings.
import { spawn } from 'node:child_process';
import { accessSync, constants, existsSync, readFileSync } from 'node:fs';
import { delimiter, dirname, join, sep } from 'node:path';
import { fileURLToPath } from 'node:url';

const OLDEST_NODE = 20;
const HEARTBEAT_MS = 15_000;
const root = dirname(dirname(fileURLToPath(import.meta.url)));

/** Says why the installed packages are not the locked ones; undefined when they are. */
function whyInstall() {
  const installedLock = join(root, 'node_modules', '.package-lock.json');
  if (!existsSync(installedLock)) return 'nothing is installed yet';
  if (!existsSync(join(root, 'node_modules', '.bin', 'node'))) return 'the last install did not finish';
  const wanted = JSON.parse(readFileSync(join(root, 'package-lock.json'), 'utf8')).packages;
  const present = JSON.parse(readFileSync(installedLock, 'utf8')).packages;
  for (const [path, entry] of Object.entries(wanted)) {
    if (!path.startsWith('node_modules/')) continue;
    const found = present[path];
    // Packages for other platforms are locked but never installed.
    if (found === undefined && (entry.optional === true || entry.peer === true)) continue;
    if (found?.version !== entry.version)
      return `${path.slice('node_modules/'.length)} does not match the lockfile`;
  }
  return undefined;
}

/** The machine's own Node: the one inside node_modules disappears while `npm ci` runs. */
function systemNode() {
  const folders = (process.env.PATH ?? '')
    .split(delimiter)
    .filter((folder) => !folder.includes(`node_modules${sep}.bin`));
  for (const folder of folders) {
    const candidate = join(folder, process.platform === 'win32' ? 'node.exe' : 'node');
    try {
      accessSync(candidate, constants.X_OK);
      return candidate;
    } catch {
      continue;
    }
  }
  return process.execPath;
}

/** What npm said, without the options of the command that it lists after a wrong lockfile. */
function tellingLines(output) {
  const disagreements = output.split('\n').filter((line) => /(?:Missing|Invalid): /.test(line));
  return disagreements.length > 0 ? disagreements : output.trimEnd().split('\n');
}

/** Turns the usual failures of an install into what happened and what to do. */
function explainFailure(output) {
  if (/ENOTFOUND|EAI_AGAIN|ECONNREFUSED|ECONNRESET|ETIMEDOUT|ENETUNREACH|network/i.test(output)) {
    return 'The package registry cannot be reached. Connect to the network (or set a registry mirror for npm) and run the command again; this is needed once.';
  }
  if (/ENOSPC/.test(output)) return 'The disk is full. Free about 1 GB and run the command again.';
  if (/EACCES|EPERM/.test(output))
    return 'A file cannot be written. Give yourself write access to this folder and run the command again.';
  if (/can only install packages when your package\.json and package-lock\.json|EUSAGE/.test(output)) {
    return 'package.json and package-lock.json disagree. Run `npm install`, look at the change to the lockfile, and commit it.';
  }
  return 'npm says why above.';
}

function install() {
  return new Promise((resolve) => {
    const npm = process.env.npm_execpath;
    const args = ['ci', '--no-audit', '--no-fund', '--loglevel=error', '--prefer-offline'];
    const isScript = npm !== undefined && /\.c?js$/.test(npm);
    const child = spawn(isScript ? systemNode() : 'npm', isScript ? [npm, ...args] : args, {
      cwd: root,
      stdio: ['ignore', 'pipe', 'pipe'],
      shell: process.platform === 'win32' && !isScript,
    });
    let output = '';
    child.stdout.on('data', (chunk) => (output += chunk));
    child.stderr.on('data', (chunk) => (output += chunk));
    const startedAt = Date.now();
    const heartbeat = setInterval(() => {
      console.log(`  still installing (${Math.round((Date.now() - startedAt) / 1000)} s)`);
    }, HEARTBEAT_MS);
    const finish = (code, reason) => {
      clearInterval(heartbeat);
      resolve({ code, output: output + reason, seconds: Math.round((Date.now() - startedAt) / 1000) });
    };
    child.on('error', (error) => finish(1, error.message));
    child.on('close', (code) => finish(code ?? 1, ''));
  });
}

if (Number(process.versions.node.split('.')[0]) < OLDEST_NODE) {
  console.error(
    `Lazarus needs Node ${OLDEST_NODE} or later to set itself up; this is Node ${process.versions.node}.`,
  );
  process.exit(1);
}

const reason = whyInstall();
if (reason !== undefined) {
  console.log(`Installing the locked dependencies, because ${reason} (about a minute, only once).`);
  const { code, output, seconds } = await install();
  if (code !== 0) {
    console.error(tellingLines(output).slice(-25).join('\n'));
    console.error(`\nThe dependencies could not be installed. ${explainFailure(output)}`);
    process.exit(1);
  }
  console.log(`Installed in ${seconds} s.`);
}
