// Every page a role can reach from the bar, and what lies one step below, is looked at by axe-core: nothing serious may be found.
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { after, before, test } from 'node:test';
import { browser, Office, Person } from './office.mjs';

const AXE = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8');
const USERS = ['coordinator.01', 'investigator.01', 'radiation.01', 'monitor', 'data.manager', 'statistician', 'safety.committee', 'trial.office'];
const MOST = 60;
const T = '/t/avatar-ii';

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

test('the questionnaire of a patient, on a phone', async () => {
  const site = await Person.at(chrome, office);
  // Not the user whose pages are looked at below: a code of the second factor works once.
  await site.enter('coordinator.02');
  await site.go(`${T}/screen`);
  await site.send();
  await site.go(`${site.path().match(/.*subjects\/[^/]+/)[0]}/questionnaires`);
  await site.press('Give a link');
  const link = (await site.page.content()).match(/http:\/\/[\d.:]+\/q\/[\w-]+/)[0];
  const faults = [];
  for (const view of ['one', 'all']) {
    const patient = await Person.at(chrome, office, { width: 390, height: 844, mobile: true });
    await patient.go(link);
    faults.push(...(await look(patient)));
    await patient.fill({ _view: view });
    await Promise.all([patient.page.waitForNavigation({ waitUntil: 'load' }), patient.page.evaluate(() => document.querySelector('main form button').click())]);
    faults.push(...(await look(patient)));
    // Nothing that is read or touched is smaller than what can be at arm's length.
    const small = await patient.page.evaluate(() => [...document.querySelectorAll('main *')].filter((one) => one.offsetParent && one.innerText?.trim() && parseFloat(getComputedStyle(one).fontSize) < 20).map((one) => one.outerHTML.slice(0, 80)));
    assert.deepEqual(small, []);
    const low = await patient.page.evaluate(() => [...document.querySelectorAll('main button, main label.answer')].filter((one) => one.getBoundingClientRect().height < 48).map((one) => one.outerHTML.slice(0, 80)));
    assert.deepEqual(low, []);
  }
  const patient = await Person.at(chrome, office, { width: 390, height: 844, mobile: true });
  await patient.go(`${link}/review`);
  faults.push(...(await look(patient)));
  assert.deepEqual(faults, []);
});

test('the pages of a site, on a phone', async () => {
  const person = await Person.at(chrome, office, { width: 390, height: 844, mobile: true });
  await person.enter('investigator.02');
  await person.go(`${T}/subjects`);
  const subject = await person.page.$eval('main tbody th a', (a) => new URL(a.href).pathname);
  const faults = [];
  for (const path of [T, `${T}/subjects`, `${T}/visits`, `${T}/outstanding`, `${T}/queries`, `${T}/review`, `${T}/trail`, subject, `${subject}/eligibility`, `${subject}/forms/tumour%40SCREENING`, `${subject}/add/ae`]) {
    assert.equal(await person.go(path), 200);
    faults.push(...(await look(person)));
    const wide = await person.page.evaluate(() => document.documentElement.scrollWidth - document.documentElement.clientWidth);
    if (wide > 0) faults.push(`${path} scrolls ${wide} px to the side`);
  }
  assert.deepEqual(faults, []);
});

for (const user of USERS) {
  test(`the pages of ${user}`, async () => {
    const person = await Person.at(chrome, office);
    await person.enter(user);
    if (user === 'trial.office') await person.picture('office-overview', 1560);
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
