// Finds or fetches the real servers that end-to-end tests talk to, and writes where they are to .cache/servers.json.
//   1. on the PATH (or where distributions put Nagios plugins): used as it is;
//   2. on a Debian-like machine: the packages are downloaded and unpacked under .cache/debs, nothing is installed;
//   3. otherwise: the reason is written down, and the tests that need the server are skipped by name.
// Usage: node tools/servers.mjs
import { existsSync, mkdirSync, readFileSync, readdirSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { delimiter, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { root, runCommand } from './run-command.mjs';

const cache = join(root, '.cache');
const unpacked = join(cache, 'debs');
const registry = join(cache, 'servers.json');

/**
 * One row per server: the program, where it may be besides the PATH, the Debian package that has it, and how to
 * see that it starts.
 */
const servers = {
  nagios4: {
    programs: ['nagios4', 'nagios'],
    folders: ['usr/sbin'],
    debian: 'nagios4-core',
    probe: ['--version'],
  },
  checkHttp: {
    programs: ['check_http'],
    folders: ['usr/lib/nagios/plugins', 'usr/lib64/nagios/plugins', 'usr/lib/monitoring-plugins'],
    debian: 'monitoring-plugins-basic',
    probe: ['--version'],
  },
  redisServer: {
    programs: ['redis-server'],
    folders: ['usr/bin'],
    debian: 'redis-server',
    probe: ['--version'],
  },
};

/** `redis-server` is a link into this package, and check plugins share a library package. */
const companions = ['redis-tools', 'monitoring-plugins-common'];

function findProgram({ programs, folders }, base) {
  const places = folders.map((folder) => join(base, folder));
  if (base === '/') places.unshift(...(process.env.PATH ?? '').split(delimiter));
  for (const place of places) {
    for (const program of programs) {
      if (existsSync(join(place, program))) return join(place, program);
    }
  }
  return undefined;
}

/** The folders of unpacked libraries, for LD_LIBRARY_PATH. */
function libraryFolders() {
  const folders = [];
  for (const base of ['usr/lib', 'lib']) {
    const folder = join(unpacked, base);
    if (!existsSync(folder)) continue;
    for (const name of ['', ...readdirSync(folder).filter((entry) => entry.endsWith('-linux-gnu'))]) {
      const candidate = join(folder, name);
      if (readdirSync(candidate).some((file) => file.includes('.so'))) folders.push(candidate);
    }
  }
  return folders;
}

async function startsUp(path, probe, ldLibraryPath) {
  const env = ldLibraryPath === '' ? {} : { LD_LIBRARY_PATH: ldLibraryPath };
  const { code, output } = await runCommand(path, probe, { env, timeoutMs: 10_000 });
  // Monitoring plugins answer --version with 3 ("unknown"), as their guidelines ask; Nagios itself with 0.
  if (code === 0 || (code === 3 && !output.includes('shared libraries'))) return undefined;
  return output.trim().split('\n')[0] || `exit code ${code}`;
}

/** Names of the packages that would be installed for the wanted ones: themselves, their companions, their libraries. */
async function resolvePackages(wanted) {
  const simulate = () =>
    runCommand('apt-get', ['install', '--simulate', '--no-install-recommends', ...wanted]);
  let plan = await simulate();
  if (plan.code !== 0 && process.getuid?.() === 0) {
    console.log('  reading the package lists (apt-get update)');
    await runCommand('apt-get', ['update'], { timeoutMs: 120_000 });
    plan = await simulate();
  }
  if (plan.code !== 0) throw new Error(lastLine(plan.output));
  const names = [...plan.output.matchAll(/^Inst (\S+)/gm)].map((match) => match[1]);
  return [
    ...new Set([...wanted, ...names.filter((name) => companions.includes(name) || name.startsWith('lib'))]),
  ];
}

function lastLine(output) {
  return output.trim().split('\n').at(-1) ?? '';
}

async function fetchDebs(wanted) {
  const downloads = join(cache, 'debs.partial');
  rmSync(downloads, { recursive: true, force: true });
  mkdirSync(join(downloads, 'root'), { recursive: true });
  const packages = await resolvePackages(wanted);
  console.log(`  downloading ${packages.join(', ')}`);
  const download = () =>
    runCommand('apt-get', ['-o', 'APT::Sandbox::User=root', 'download', ...packages], {
      cwd: downloads,
      timeoutMs: 300_000,
    });
  let fetched = await download();
  if (fetched.code !== 0 && process.getuid?.() === 0) {
    // The lists name a version that the archive has replaced meanwhile.
    await runCommand('apt-get', ['update'], { timeoutMs: 120_000 });
    fetched = await download();
  }
  if (fetched.code !== 0) throw new Error(lastLine(fetched.output));
  for (const file of readdirSync(downloads).filter((name) => name.endsWith('.deb'))) {
    const extracted = await runCommand('dpkg-deb', ['-x', join(downloads, file), join(downloads, 'root')]);
    if (extracted.code !== 0) throw new Error(lastLine(extracted.output));
  }
  // What an earlier run unpacked stays; a finished download replaces it in one step.
  rmSync(unpacked, { recursive: true, force: true });
  renameSync(join(downloads, 'root'), unpacked);
  rmSync(downloads, { recursive: true, force: true });
}

async function hasDebianTools() {
  const [apt, dpkg] = await Promise.all([
    runCommand('apt-get', ['--version']),
    runCommand('dpkg-deb', ['--version']),
  ]);
  return apt.code === 0 && dpkg.code === 0;
}

/** Where each server is, or why it is not there. */
async function locate() {
  const found = { ldLibraryPath: existsSync(unpacked) ? libraryFolders().join(delimiter) : '', missing: {} };
  for (const [name, server] of Object.entries(servers)) {
    const onMachine = findProgram(server, '/');
    const path = onMachine ?? findProgram(server, unpacked);
    const problem =
      path === undefined
        ? `${server.programs[0]} is not installed`
        : await startsUp(path, server.probe, onMachine === undefined ? found.ldLibraryPath : '');
    if (problem === undefined) found[name] = path;
    else found.missing[name] = problem;
  }
  return found;
}

function writeRegistry(found) {
  mkdirSync(cache, { recursive: true });
  writeFileSync(`${registry}.partial`, `${JSON.stringify(found, null, 2)}\n`);
  renameSync(`${registry}.partial`, registry);
  return found;
}

/**
 * Makes sure that .cache/servers.json is true, fetching what is missing where that is possible.
 * Never fails: what cannot be had is listed under `missing` with the reason.
 */
export async function ensureServers() {
  let found = await locate();
  const missing = Object.keys(found.missing);
  if (missing.length === 0) return writeRegistry(found);
  if (!(await hasDebianTools())) {
    for (const name of missing) {
      found.missing[name] +=
        `; install the equivalent of the Debian package ${servers[name].debian} to run its tests`;
    }
    return writeRegistry(found);
  }
  console.log(
    `Fetching servers for the end-to-end tests (${missing.join(', ')}), unpacked under .cache, only once.`,
  );
  try {
    await fetchDebs(Object.values(servers).map((server) => server.debian));
    found = await locate();
  } catch (error) {
    for (const name of missing) found.missing[name] += ` and could not be fetched: ${error.message}`;
  }
  return writeRegistry(found);
}

/** What the last run found; undefined when the servers were never looked for. */
export function readServers() {
  return existsSync(registry) ? JSON.parse(readFileSync(registry, 'utf8')) : undefined;
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const found = await ensureServers();
  for (const [name, reason] of Object.entries(found.missing)) console.log(`  ${name}: ${reason}`);
}
