// A trial office for a test, and a person in a browser: starts the built program on a fresh folder, logs in, fills forms.
// Needs chromium (Debian's) and the program at TRIALWRIGHT (target/release/trialwright when not said).
import { spawn, execFileSync } from 'node:child_process';
import { createHmac } from 'node:crypto';
import { mkdtempSync, mkdirSync, rmSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import puppeteer from 'puppeteer-core';

const ROOT = resolve(fileURLToPath(import.meta.url), '../../..');
const PROGRAM = process.env.TRIALWRIGHT ?? join(ROOT, 'target/release/trialwright');
export const SHOTS = process.env.SHOTS ?? mkdtempSync(join(tmpdir(), 'shots-'));
mkdirSync(SHOTS, { recursive: true });

const freePort = () =>
  new Promise((done) => {
    const server = createServer().listen(0, '127.0.0.1', () => {
      const { port } = server.address();
      server.close(() => done(port));
    });
  });

/** The program, run to its end in `folder`. */
export const run = (folder, ...args) => execFileSync(PROGRAM, args, { cwd: folder, encoding: 'utf8' });

/** A server over a new folder: `demo` for a filled virtual trial, else a trial that was just founded. */
export class Office {
  static async open({ demo = false, more = [] } = {}) {
    const office = new Office();
    office.folder = mkdtempSync(join(tmpdir(), 'office-'));
    office.port = await freePort();
    office.base = `http://127.0.0.1:${office.port}`;
    const at = ['--listen', `127.0.0.1:${office.port}`];
    if (!demo) run(office.folder, 'found', 'avatar-ii');
    await office.start(demo ? ['demo', '--serve', '--dir', 'office', ...at, ...more] : ['serve', 'trial.sqlite', '--log', 'json', '--most-requests', '1000', ...at, ...more]);
    return office;
  }

  async start(args) {
    this.said = '';
    this.process = spawn(PROGRAM, args, { cwd: this.folder, env: { ...process.env, RUST_LOG: 'info' } });
    for (const stream of [this.process.stdout, this.process.stderr]) stream.on('data', (text) => (this.said += text));
    for (let tries = 0; tries < 900; tries++) {
      if (this.process.exitCode !== null) throw new Error(`the program stopped: ${this.said}`);
      const ready = await fetch(`${this.base}/health/ready`).catch(() => null);
      if (ready?.ok) return;
      await new Promise((again) => setTimeout(again, 100));
    }
    throw new Error(`the server was not ready in 90 s: ${this.said}`);
  }

  /** The link to the first-run page, as the program prints it. */
  get firstRun() {
    return this.said.match(/http\S+first-run\S*/)?.[0];
  }

  async close() {
    const ended = new Promise((done) => this.process.on('exit', done));
    this.process.kill('SIGTERM');
    await ended;
    rmSync(this.folder, { recursive: true, force: true });
  }
}

export const browser = () =>
  puppeteer.launch({
    executablePath: process.env.CHROMIUM ?? '/usr/bin/chromium',
    headless: true,
    args: ['--no-sandbox', '--disable-gpu', '--disable-quic', '--lang=en-GB'],
  });

/** The code that an authenticator shows (RFC 6238: SHA-1, 30 s, six digits). */
export function code(secret, at = Date.now()) {
  const alphabet = 'ABCDEFGHIJKLMNOPQRSTUVWXYZ234567';
  const bits = [...secret.replace(/[\s=]/g, '').toUpperCase()].map((c) => alphabet.indexOf(c).toString(2).padStart(5, '0')).join('');
  const key = Buffer.from(bits.match(/.{8}/g).map((byte) => parseInt(byte, 2)));
  const step = Buffer.alloc(8);
  step.writeBigUInt64BE(BigInt(Math.floor(at / 30000)));
  const hash = createHmac('sha1', key).update(step).digest();
  const place = hash[hash.length - 1] & 15;
  return String((hash.readUInt32BE(place) & 0x7fffffff) % 1000000).padStart(6, '0');
}

/** A person at a browser of their own. */
export class Person {
  static async at(browser, office, { width = 1280, height = 900, mobile = false } = {}) {
    const person = new Person();
    person.office = office;
    person.context = await browser.createBrowserContext();
    person.page = await person.context.newPage();
    person.errors = [];
    person.page.on('pageerror', (error) => person.errors.push(error.message));
    person.page.on('console', (line) => {
      // A refused form answers 4xx, which the browser logs, and htmx tells of a check that was under way when the page was left;
      // what a policy blocked or a script threw is a fault.
      if (line.type() === 'error' && !/status of 4\d\d|htmx:sendAbort/.test(line.text())) person.errors.push(line.text());
    });
    // A page asks before it is left with something typed; who walks here knows what they leave.
    person.page.on('dialog', (dialog) => dialog.type() === 'beforeunload' && dialog.accept());
    await person.page.setViewport({ width, height, isMobile: mobile, hasTouch: mobile, deviceScaleFactor: mobile ? 2 : 1 });
    return person;
  }

  async go(address) {
    const answer = await this.page.goto(address.startsWith('http') ? address : this.office.base + address, { waitUntil: 'load' });
    return answer.status();
  }

  text() {
    return this.page.evaluate(() => document.querySelector('main').innerText);
  }

  /** Waits for what a page says later than it loads: an answer to what was typed, a part that is fetched. */
  async until(words, selector = 'main') {
    const says = (words, selector) => new RegExp(words, 'i').test(document.querySelector(selector)?.innerText ?? '');
    await this.page.waitForFunction(says, { polling: 50, timeout: 20000 }, words, selector).catch(async () => {
      throw new Error(`"${words}" was not said in 20 s: ${await this.page.$eval(selector, (part) => part.innerText)}`);
    });
    return this;
  }

  path() {
    return new URL(this.page.url()).pathname;
  }

  /** Sets fields by name: text, a choice by its value, a box by true or false. Fires what typing fires. */
  async fill(values) {
    for (const [name, value] of Object.entries(values)) {
      await this.page.evaluate(
        (name, value) => {
          const fields = [...document.querySelectorAll(`main [name="${CSS.escape(name)}"]`)];
          if (!fields.length) throw new Error(`there is no field ${name}`);
          const tell = (field) => ['input', 'change'].forEach((kind) => field.dispatchEvent(new Event(kind, { bubbles: true })));
          if (fields[0].type === 'radio') {
            const chosen = fields.find((field) => field.value === String(value));
            if (!chosen) throw new Error(`${name} has no choice ${value}: ${fields.map((field) => field.value)}`);
            chosen.checked = true;
            return tell(chosen);
          }
          if (fields[0].type === 'checkbox') fields[0].checked = value;
          else fields[0].value = value;
          if (fields[0].tagName === 'SELECT' && fields[0].value !== String(value)) throw new Error(`${name} has no choice ${value}`);
          tell(fields[0]);
        },
        name,
        value,
      );
    }
    return this;
  }

  /** Presses the button or link with these words (in `main`, or anywhere) and waits for the page it leads to. */
  async press(words, { within = 'main' } = {}) {
    const pressed = this.page.evaluate(
      (words, within) => {
        const inside = [...document.querySelectorAll(within)].flatMap((part) => [...part.querySelectorAll('button, a, summary')]);
        const found = inside.find((one) => one.innerText.trim() === words) ?? inside.find((one) => one.innerText.trim().startsWith(words));
        if (!found) throw new Error(`nothing to press says "${words}": ${inside.map((one) => one.innerText.trim()).join(' | ')}`);
        found.click();
      },
      words,
      within,
    );
    await Promise.all([this.page.waitForNavigation({ waitUntil: 'load' }), pressed]);
    return this;
  }

  /** Adds a row to a repeating group, whose first field is then `name`. */
  async addRow(name) {
    await this.page.evaluate(() => [...document.querySelectorAll('#entry button')].find((one) => one.innerText.trim() === 'Add a row').click());
    await this.page.waitForSelector(`[name="${name}"]`);
    return this;
  }

  /** Sends the page's (first matching) form. */
  async send(selector = 'main form[method=post]') {
    await Promise.all([
      this.page.waitForNavigation({ waitUntil: 'load' }),
      this.page.evaluate((selector) => {
        const form = document.querySelector(selector);
        if (!form) throw new Error(`there is no form ${selector}`);
        form.requestSubmit(form.querySelector('button.main, button[type=submit]') ?? undefined);
      }, selector),
    ]);
    return this;
  }

  /** Sets up the second factor on the page that asks for it, and keeps its secret. */
  async enrol() {
    const text = await this.text();
    this.secret = text.replace(/[ \u00a0]/g, '').match(/\b[A-Z2-7]{32,}\b/)?.[0];
    if (!this.secret) throw new Error(`no secret is shown: ${text}`);
    await this.fill({ code: code(this.secret) });
    await this.send();
  }

  /** Logs in to a demonstration, whose log-in page has a button for each user and whose second factor fills itself in. */
  async enter(user) {
    await this.go('/log-in');
    await Promise.all([
      this.page.waitForNavigation({ waitUntil: 'load' }),
      this.page.evaluate((user) => [...document.forms].find((form) => form.elements.name?.type === 'hidden' && form.elements.name.value === user).requestSubmit(), user),
    ]);
    if (this.path() === '/second-factor') await this.send();
    return this;
  }

  shot(name) {
    return this.page.screenshot({ path: join(SHOTS, `${name}.png`), fullPage: true });
  }

  /** A picture for the README, `width` wide, of the top of the page down to `height` of its pixels: only where PICTURES says where to. */
  async picture(name, height, width = 900) {
    if (!process.env.PICTURES) return;
    const before = this.page.viewport();
    await this.page.setViewport({ ...before, height, deviceScaleFactor: width / before.width });
    await this.page.evaluate(() => scrollTo(0, 0));
    await this.page.screenshot({ path: join(process.env.PICTURES, `${name}.png`) });
    await this.page.setViewport(before);
  }
}
