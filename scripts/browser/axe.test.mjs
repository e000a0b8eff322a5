// Every page a role can reach from the bar, and what lies one step below, is looked at by axe-core: nothing serious may be found.
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { after, before, test } from 'node:test';
import { browser, Office, Person } from './office.mjs';

const AXE = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8');
const USERS = ['coordinator.01', 'investigator.01', 'radiation.01', 'monitor', 'data.manager', 'statistician', 'safety.committee', 'trial.office'];
const MOST = 40;

let office, chrome;
before(async () => {
  office = await Office.open({ demo: true });
  chrome = await browser();
});
after(async () => {
  await chrome?.close();
  await office?.close();
});

async function look(person) {
  // Evaluated by the browser's own debugger, which the page's policy does not bind.
  await person.page.evaluate(AXE);
  const found = await person.page.evaluate(() => window.axe.run(document, { resultTypes: ['violations'] }));
  return found.violations
    .filter((one) => ['serious', 'critical'].includes(one.impact))
    .map((one) => `${person.path()}: ${one.id}, ${one.help}: ${one.nodes.slice(0, 3).map((node) => node.html.slice(0, 160)).join(' ; ')}`);
}

/** The pages of this server that a page links to, one of each kind: numbers and names in an address make no new kind. */
async function links(person) {
  const found = await person.page.evaluate(() => [...document.querySelectorAll('a[href]:not([download])')].map((a) => new URL(a.getAttribute('href'), document.baseURI).href));
  const kind = (path) => path.replace(/\d+/g, 'N').replace(/forms\/(\w+)(@\w+)?/, 'forms/$1');
  return new Map(found.filter((a) => a.startsWith(person.office.base)).map((a) => new URL(a)).filter((a) => !/\.(csv|svg|toml|json)$/.test(a.pathname)).map((a) => [kind(a.pathname), a.pathname + a.search]));
}

test('the pages before the log-in', async () => {
  const person = await Person.at(chrome, office);
  const faults = [];
  for (const path of ['/log-in', '/q/no-such-link', '/no-such-page', '/api']) {
    await person.go(path);
    faults.push(...(await look(person)));
  }
  assert.deepEqual(faults, []);
});

for (const user of USERS) {
  test(`the pages of ${user}`, async () => {
    const person = await Person.at(chrome, office);
    await person.enter(user);
    const [seen, faults, waiting] = [new Set(), [], [[person.path(), person.path()]]];
    waiting.push(...(await links(person)));
    while (waiting.length && seen.size < MOST) {
      const [kind, path] = waiting.shift();
      if (seen.has(kind)) continue;
      seen.add(kind);
      const status = await person.go(path);
      if (status >= 500) faults.push(`${path}: status ${status}`);
      faults.push(...(await look(person)));
      for (const [kind, path] of await links(person)) if (!seen.has(kind)) waiting.push([kind, path]);
    }
    console.log(`${user}: ${seen.size} kinds of page`);
    assert.deepEqual([...new Set(faults)], []);
    assert.deepEqual(person.errors, []);
    assert.ok(seen.size >= 8, `only ${seen.size} pages were found`);
    await person.context.close();
  });
}
