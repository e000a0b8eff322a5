// A trial office from its first minute: first user, sites, staff; a patient screened, proven, randomised, followed through an
// oligoprogression treated by SABR to the failure of the strategy; queries, signatures, locks; a questionnaire on a phone; and
// somebody of another site, who sees none of it. Each step is what a person does, on a trial that was just founded.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { browser, code, Office, Person, run } from './office.mjs';

const PASSWORD = 'a wren built here in 2026';
const T = '/t/avatar-ii';
let office, chrome, chief, staff, subject, questionnaire;

/** A day so many days from today, as a form takes it: the trial's clock is the machine's, and a form may not speak of tomorrow. */
const day = (offset) => new Date(Date.now() + offset * 86400000).toISOString().slice(0, 10);

before(async () => {
  office = await Office.open();
  chrome = await browser();
});
after(async () => {
  await chrome?.close();
  await office?.close();
});

const at = (rest) => `${T}/subjects/${subject}/${rest}`;

/** Opens a form, fills it, saves it, and says what stood on the page after. */
async function save(person, instance, values, reason) {
  const status = await person.go(at(`forms/${instance}`));
  assert.equal(status, 200, `${instance}: ${await person.text()}`);
  await person.fill(values);
  if (reason) await person.fill({ _reason: reason });
  await person.send('#entry');
  const text = await person.text();
  assert.match(person.path(), /\/saved$/, `${instance} was not saved: ${text}`);
  return text;
}

test('first run: the first user becomes the trial office, with a second factor', async () => {
  chief = await Person.at(chrome, office);
  await chief.go('/');
  assert.match(chief.path(), /first-run|log-in/);
  await chief.go(office.firstRun);
  await chief.fill({ name: 'o.chief', display_name: 'Olga Chief', email: 'o.chief@example.org', new_password: PASSWORD, same_password: PASSWORD });
  await chief.shot('01-first-run');
  await chief.send();
  await chief.press('Set it up now');
  await chief.shot('02-second-factor');
  await chief.enrol();
  assert.match(await chief.text(), /recovery/i);
  await chief.go('/');
  await chief.shot('03-empty-trial');
  assert.equal(await chief.go(T + '/'), 200);
});

test('sites are opened and their staff invited', async () => {
  for (const [site, name] of [['01', 'Northbank Hospital'], ['02', 'Saltmarsh Hospital']]) {
    await chief.go(`${T}/new-site`);
    await chief.fill({ site, name, country: 'AUS' });
    await chief.send();
  }
  staff = {};
  for (const [name, role, site] of [
    ['cora', 'site-coordinator', '01'],
    ['ivo', 'investigator', '01'],
    ['rada', 'radiation-oncologist', '01'],
    ['mona', 'monitor', ''],
    ['dana', 'data-manager', ''],
    ['other', 'site-coordinator', '02'],
  ]) {
    await chief.go(`${T}/people/invite`);
    await chief.fill({ display_name: `${name} of the trial`, name, email: `${name}@example.org`, role, site });
    await chief.send();
    const link = (await chief.page.content()).match(/http:\/\/[\d.:]+\/invitation\/[\w-]+/)?.[0];
    assert.ok(link, `no link for ${name}: ${await chief.text()}`);
    const person = (staff[name] = await Person.at(chrome, office));
    assert.equal(await person.go(link), 200);
    await person.fill({ new_password: PASSWORD, same_password: PASSWORD });
    await person.send();
    if (person.path().includes('second-factor')) {
      if (/Set it up now/.test(await person.text())) await person.press('Set it up now');
      await person.enrol();
    }
    assert.equal(await person.go(T + '/'), 200, `${name} cannot open the trial: ${await person.text()}`);
    assert.equal(await (await Person.at(chrome, office)).go(link), 404, 'an invitation works once');
  }
  await chief.go(`${T}/people`);
  await chief.shot('04-people');
});

test('a patient is screened; what is not proven says what is missing', async () => {
  const { cora } = staff;
  await cora.go(`${T}/screen`);
  await cora.send();
  subject = cora.page.url().match(/subjects\/([^/?]+)/)?.[1];
  assert.equal(subject, '01-001');
  await cora.go(at('eligibility'));
  const text = await cora.text();
  assert.match(text, /unknown/i);
  await cora.shot('05-eligibility-open');
  await staff.ivo.go(at('randomise'));
  assert.match(await staff.ivo.text(), /cannot|not (yet )?eligible|unknown|missing/i);
});

test('bad input is told by its field, and nothing that was typed is lost', async () => {
  const { cora } = staff;
  await cora.go(at('forms/demography@SCREENING'));
  await cora.fill({ BRTHYY: 'nineteen', SEX: 'F' });
  await cora.send('#entry');
  assert.match(await cora.text(), /Year of birth: Write a whole number/);
  assert.equal(await cora.page.$eval('[name=BRTHYY]', (field) => field.value), 'nineteen');
  await cora.shot('06-bad-input');
});

/** Fills the forms of screening so that every criterion is proven: consent on day -200, scan three days before it. */
async function prove(person) {
  await save(person, 'consent@SCREENING', { RFICDAT: day(-200), RFICYN: 'Y' });
  await save(person, 'demography@SCREENING', { BRTHYY: '1964', SEX: 'F', MENOPAUS: 'POST' });
  await save(person, 'history@SCREENING', {
    MHSTDAT: '2018-05', MHMETDAT: '2024-01', MHSTAGE: 'METASTATIC', ERSTAT: 'POSITIVE', HER2STAT: 'NEGATIVE', OPDNEW: 'Y', CHEMOMET: 'N', LMD: 'N',
  });
  await save(person, 'firstline@SCREENING', {
    CMTRT: 'Letrozole + ribociclib', LINE: '1', ETCLASS: 'AI', CDKYN: 'Y', CDKTRT: 'RIBOCICLIB', CMSTDAT: day(-700), CMONGO: 'Y', BESTRESP: 'PR', RESPTHRU: day(-260),
  });
  await save(person, 'ecog@SCREENING', { QSDAT: day(-199), ECOG: '1' });
  await save(person, 'tumour@SCREENING', { TRDAT: day(-203), TRMETHOD: 'CT SCAN', ...lesion(0, 'T01', 'TARGET', 'LUNG', { DIAMETER: '22', OPD: 'Y', AMENABLE: 'Y', PRIORRT: 'N' }) });
}

const lesion = (row, id, role, place, more) =>
  Object.fromEntries(Object.entries({ TULNKID: id, TUORRES: role, TULOC: place, ...more }).map(([item, value]) => [`LESIONS.${row}.${item}`, value]));

/** Randomises the subject as its investigator, on day -190 of the calendar; gives the arm. */
async function randomise(person, name) {
  await person.go(at('randomise'));
  await person.fill({ date: day(-190) });
  if (name) await person.shot('08-randomise');
  await person.send();
  await person.go(at('randomisation'));
  if (name) await person.shot('09-randomised');
  return (await person.text()).match(/Arm ([AB])/)?.[1];
}

test('the forms prove the patient eligible, and the investigator randomises', async () => {
  const { cora, ivo } = staff;
  await prove(cora);
  await cora.go(at('eligibility'));
  assert.match(await cora.text(), /all 13 criteria are proven/);
  await cora.shot('07-eligibility-proven');
  await cora.picture('office-eligibility', 1460);
  let arm = await randomise(ivo, 'first');
  assert.match(arm, /[AB]/);
  // A second click, or a second person who had the page open, sees the allocation that stands and draws nothing.
  await ivo.go(at('randomise'));
  assert.match(await ivo.text(), new RegExp(`arm ${arm}`, 'i'));
  // Four of one stratum hold both arms at the latest when a block of six is full.
  for (let more = 0; arm !== 'A' && more < 6; more++) {
    await cora.go(`${T}/screen`);
    await cora.send();
    subject = cora.page.url().match(/subjects\/([^/?]+)/)[1];
    await prove(cora);
    arm = await randomise(ivo);
  }
  assert.equal(arm, 'A', 'no block of six is of one arm');
});

test('an oligoprogression is recognised while the scan is typed, treated by SABR, and the strategy holds', async () => {
  const { cora, rada, ivo } = staff;
  await save(cora, 'systemic', { CMTRT: 'Letrozole + ribociclib', CMREAS: 'BASELINE', CMSTDAT: day(-700) });
  await save(rada, 'sabr', { PRSTDAT: day(-180), PRENDAT: day(-178), PRTECH: 'LINAC', 'LESIONS.0.TULNKID': 'T01', 'LESIONS.0.PRDOSFRX': '12', 'LESIONS.0.PRNFRX': '2' });
  await save(cora, 'ecog@W12', { QSDAT: day(-107), ECOG: '1' });
  await cora.go(at('forms/tumour@W12'));
  await cora.fill({ TRDAT: day(-107), TRMETHOD: 'CT SCAN', ...lesion(0, 'T01', 'TARGET', 'LUNG', { DIAMETER: '18' }) });
  if (!(await cora.page.$('[name="LESIONS.1.TULNKID"]'))) await cora.addRow('LESIONS.1.TULNKID');
  await cora.fill(lesion(1, 'N01', 'NEW', 'BONE', { TUMSTATE: 'UNEQUIVOCAL' }));
  await cora.until('Oligoprogression.*1 lesion progresses', '#panel');
  await cora.shot('13-oligoprogression-as-typed');
  await cora.picture('office-scan', 1100);
  await cora.send('#entry');
  assert.match(cora.path(), /\/saved$/, await cora.text());
  assert.match(await cora.text(), /SABR/);
  await cora.shot('14-oligoprogression-saved');
  await save(ivo, 'decision', { DECDAT: day(-105), PROGDAT: day(-107), DECISION: 'CONTINUE' });
  await save(rada, 'sabr.2', { PRSTDAT: day(-95), PRENDAT: day(-95), 'LESIONS.0.TULNKID': 'N01', 'LESIONS.0.PRDOSFRX': '20', 'LESIONS.0.PRNFRX': '1' });
  await cora.go(`${T}/subjects/${subject}`);
  assert.match(await cora.text(), /on strategy/i);
});

test('a wide progression fails the strategy, and the page says why', async () => {
  const { cora } = staff;
  await cora.go(at('forms/tumour@W24'));
  await cora.fill({ TRDAT: day(-23), TRMETHOD: 'CT SCAN' });
  const rows = [['T01', 'TARGET', 'LUNG', { DIAMETER: '19' }], ['N01', 'NEW', 'BONE', { TUMSTATE: 'PRESENT' }]];
  for (let n = 2; n <= 8; n++) rows.push([`N0${n}`, 'NEW', 'LIVER', { TUMSTATE: 'UNEQUIVOCAL' }]);
  for (const [row, [id, role, place, more]] of rows.entries()) {
    if (!(await cora.page.$(`[name="LESIONS.${row}.TULNKID"]`))) await cora.addRow(`LESIONS.${row}.TULNKID`);
    await cora.fill(lesion(row, id, role, place, more));
  }
  await cora.send('#entry');
  assert.match(cora.path(), /\/saved$/, await cora.text());
  await cora.shot('15-strategy-failure');
  await cora.go(`${T}/subjects/${subject}`);
  assert.match(await cora.text(), /strategy failed/i);
});

test('the subject is one page', async () => {
  assert.equal(await staff.cora.go(`${T}/subjects/${subject}`), 200);
  await staff.cora.shot('10-subject');
  await staff.cora.picture('office-subject', 2060, 1000);
});

test('a query is raised, answered and closed', async () => {
  const { mona, cora, dana } = staff;
  await dana.go(at('raise-query?form=ecog@SCREENING&item=ECOG'));
  await dana.fill({ text: 'ECOG 1 here, 0 in the letter: which is right?' });
  await dana.send();
  await cora.go(`${T}/queries`);
  assert.match(await cora.text(), /which is right/);
  await cora.shot('11-queries');
  await cora.press('R1');
  await cora.shot('11-query');
  await cora.fill({ text: '1 is right; the letter is older.' });
  await cora.send();
  await dana.go(`${T}/queries?state=answered`);
  assert.match(await dana.text(), /letter is older/);
  await dana.press('R1');
  await dana.press('Close');
  await mona.go(`${T}/queries`);
  assert.doesNotMatch(await mona.text(), /which is right/, 'a closed query is not in the list of what waits');
});

test('a correction needs a reason and stands in the audit trail', async () => {
  const { cora } = staff;
  await save(cora, 'ecog@SCREENING', { ECOG: '0' }, 'Read from the wrong line');
  await cora.go(`${T}/trail?subject=${subject}`);
  const text = await cora.text();
  assert.match(text, /Read from the wrong line/);
  await cora.shot('12-trail');
});

test('of two people on one form neither loses what they typed', async () => {
  const { cora, ivo } = staff;
  const place = at('forms/ecog@W12');
  await cora.go(place);
  await ivo.go(place);
  await cora.fill({ ECOG: '2', _reason: 'Read again' });
  await cora.send('#entry');
  assert.match(cora.path(), /\/saved$/, await cora.text());
  await ivo.fill({ ECOG: '0', _reason: 'By the letter' });
  await ivo.send('#entry');
  const text = await ivo.text();
  assert.match(text, /cora/);
  assert.equal(await ivo.page.$eval('[name=ECOG]:checked', (field) => field.value), '0', text);
  assert.equal(await ivo.page.$eval('[name=_reason]', (field) => field.value), 'By the letter');
  await ivo.shot('23-two-people');
});

test('a lost connection takes nothing that was typed', async () => {
  const { cora } = staff;
  await cora.go(at('forms/ecog@SCREENING'));
  await cora.fill({ ECOG: '1', _reason: 'The letter is right' });
  await cora.page.setOfflineMode(true);
  await cora.page.evaluate(() => document.querySelector('#entry').requestSubmit(document.querySelector('#entry button.main')));
  try {
    await cora.until('connection is lost, and nothing was saved');
    assert.equal(await cora.page.$eval('[name=_reason]', (field) => field.value), 'The letter is right');
    await cora.shot('24-connection-lost');
  } finally {
    await cora.page.setOfflineMode(false);
  }
  await cora.send('#entry');
  assert.match(cora.path(), /\/saved$/, await cora.text());
  // A request that found no connection, as the browser and htmx tell it.
  cora.errors = cora.errors.filter((line) => !/ERR_INTERNET_DISCONNECTED|htmx:(sendError|afterRequest)/.test(line));
});

test('a session that ended with a half-filled form gives it back after the log-in', async () => {
  const { cora } = staff;
  await cora.go(at('forms/ecog@SCREENING'));
  await cora.fill({ ECOG: '0', _reason: 'Typed before the session ended' });
  await cora.context.deleteCookie(...(await cora.context.cookies()));
  await cora.send('#entry');
  assert.match(await cora.text(), /log in/i);
  await cora.shot('25-session-ended');
  await cora.fill({ name: 'cora', password: PASSWORD });
  await cora.send();
  assert.match(await cora.text(), /Typed before the session ended/);
  await cora.shot('26-what-was-typed');
  await cora.send();
  assert.match(cora.path(), /\/saved$/, await cora.text());
});

test('the investigator signs, the monitor verifies, the data manager locks', async () => {
  const { ivo, mona, dana, cora } = staff;
  for (const [person, act] of [[ivo, 'Read and sign what is ticked'], [mona, 'Mark what is ticked as verified'], [dana, 'Lock what is ticked']]) {
    await person.go(`${T}/review?subject=${subject}`);
    await person.shot(`16-review-${person === ivo ? 'sign' : person === mona ? 'verify' : 'lock'}`);
    await person.page.evaluate(() => document.querySelectorAll('main input[type=checkbox]').forEach((box) => (box.checked = true)));
    await person.press(act);
    if (await person.page.$('main [name=password]')) {
      await person.fill({ password: PASSWORD });
      await person.shot('17-sign');
      await person.send();
    }
  }
  await cora.go(at('forms/ecog@SCREENING'));
  const text = await cora.text();
  assert.match(text, /Signed by ivo/);
  assert.match(text, /Verified by mona/);
  assert.match(text, /Locked by dana/);
  assert.equal(await cora.page.$('#entry'), null, 'a locked form cannot be filled');
});

test('a patient answers FACT-B on a phone, goes away, comes back, and sends once', async () => {
  const { cora } = staff;
  // A patient in screening, whose first questionnaire is due.
  await cora.go(`${T}/screen`);
  await cora.send();
  const waiting = cora.page.url().match(/subjects\/([^/?]+)/)[1];
  await cora.go(`${T}/subjects/${waiting}/questionnaires`);
  await cora.press('Give a link');
  await cora.shot('18-hand-out');
  const link = (await cora.page.content()).match(/http:\/\/[\d.:]+\/q\/[\w-]+/)?.[0];
  assert.ok(link, await cora.text());
  const phone = () => Person.at(chrome, office, { width: 360, height: 740, mobile: true });
  const patient = await phone();
  assert.equal(await patient.go(link), 200);
  assert.doesNotMatch(await patient.page.content(), new RegExp(`${waiting}|Northbank|AVATAR`), 'the page tells whose it is');
  await patient.shot('19-phone-start');
  await patient.press('Begin');
  const answer = async (person) => {
    const name = await person.page.$eval('main input[type=radio]', (first) => first.name);
    await person.fill({ [name]: '3' });
    await person.press('Next');
  };
  await answer(patient);
  await patient.shot('20-phone-question');
  await patient.picture('office-phone', 870, 400);
  for (let n = 0; n < 4; n++) await answer(patient);
  const wide = await patient.page.evaluate(() => document.documentElement.scrollWidth - document.documentElement.clientWidth);
  assert.ok(wide <= 0, `the page scrolls ${wide} px to the side`);
  await patient.context.close();
  // Another day, another phone: the answers are there.
  const again = await phone();
  await again.go(link);
  assert.match(await again.text(), /5 of 37/);
  await again.press('Go on');
  for (let n = 0; n < 40 && !/Send my answers/.test(await again.text()); n++) {
    if (await again.page.$('main input[type=radio]')) {
      const name = await again.page.$eval('main input[type=radio]', (first) => first.name);
      await again.fill({ [name]: String(n % 5) });
    }
    await Promise.all([again.page.waitForNavigation({ waitUntil: 'load' }), again.page.evaluate(() => document.querySelector('main button[value=next]').click())]);
  }
  await again.shot('21-phone-review');
  await again.press('Send my answers');
  assert.match(await again.text(), /Thank you/);
  await again.shot('22-phone-sent');
  await again.go(link);
  assert.match(await again.text(), /arrived|sent/i);
  assert.deepEqual(again.errors, []);
  // The trail holds one event of it, by the patient, and what was answered.
  await cora.go(`${T}/trail?subject=${waiting}`);
  const rows = await cora.page.$$eval('main tbody tr', (rows) => rows.map((row) => [...row.cells].map((cell) => cell.innerText.replace(/\s+/g, ' ').trim())));
  const byPatient = rows.filter(([, , who]) => /patient/i.test(who));
  assert.equal(byPatient.length, 1, `the patient answered once: ${JSON.stringify(rows)}`);
  const [event, , who, , what] = byPatient[0];
  assert.equal(who, 'patient Patient');
  assert.match(what, /^FACT-B, version 4, Screening filled/);
  await cora.go(`${T}/trail/${event}`);
  assert.match(await cora.text(), /Who\s+patient, Patient/);
  const values = await cora.page.$$eval('main table tbody tr', (rows) => rows.map((row) => [row.querySelector('code').innerText, row.cells[2].innerText]));
  assert.equal(values.length, 38, 'the day and 37 answers');
  assert.deepEqual(values.filter(([item]) => item !== 'QSDAT').slice(0, 5).map(([, now]) => now), ['3', '3', '3', '3', '3']);
});

test('all questions on one page, by the keyboard, through a lost connection', async () => {
  const { cora } = staff;
  await cora.go(`${T}/screen`);
  await cora.send();
  const waiting = cora.page.url().match(/subjects\/([^/?]+)/)[1];
  await cora.go(`${T}/subjects/${waiting}/questionnaires`);
  await cora.press('Give a link');
  const link = (await cora.page.content()).match(/http:\/\/[\d.:]+\/q\/[\w-]+/)[0];
  const patient = await Person.at(chrome, office, { width: 390, height: 844, mobile: true });
  await patient.go(link);
  await patient.fill({ _view: 'all' });
  await patient.press('Begin');
  const names = await patient.page.$$eval('main input[type=radio]', (all) => [...new Set(all.map((one) => one.name))]);
  assert.equal(names.length, 37);
  const kept = (words) => patient.until(words, '.kept');
  const chosen = (name) => patient.page.$eval(`[name=${name}]:checked`, (one) => one.value);
  await patient.page.focus(`[name=${names[0]}]`);
  await patient.page.keyboard.press('Space');
  await patient.page.keyboard.press('ArrowDown');
  await kept('^Saved');
  assert.equal(await chosen(names[0]), '1');
  await patient.page.setOfflineMode(true);
  try {
    await patient.fill({ [names[1]]: '4' });
    await kept('no connection');
    await patient.page.evaluate(() => document.querySelector('main button[type=submit]').click());
    await kept('no connection');
    assert.equal(await chosen(names[1]), '4', 'the answer stays on the page');
    await patient.shot('27-phone-connection-lost');
  } finally {
    await patient.page.setOfflineMode(false);
  }
  await kept('^Saved');
  const again = await Person.at(chrome, office, { width: 390, height: 844, mobile: true });
  await again.go(link);
  assert.match(await again.text(), /2 of 37/, 'another phone finds both answers');
});

test('the second site sees none of it', async () => {
  const { other } = staff;
  for (const rest of ['', '/forms/ecog@SCREENING', '/eligibility', '/randomise', '/calendar']) {
    const status = await other.go(`${T}/subjects/${subject}${rest}`);
    assert.ok([403, 404].includes(status), `${rest}: status ${status}`);
  }
  for (const list of ['subjects', 'visits', 'queries', 'review', 'trail', 'outstanding', 'deviations', 'screening', '']) {
    assert.equal(await other.go(`${T}/${list}`), 200);
    assert.doesNotMatch(await other.text(), new RegExp(subject), `${list} names the other site's subject`);
  }
});

test('the ledger is sound, and no page threw an error', async () => {
  for (const person of [chief, ...Object.values(staff)]) assert.deepEqual(person.errors, []);
  assert.match(run(office.folder, 'verify', 'trial.sqlite'), /sound|nothing was altered|fits/i);
});
