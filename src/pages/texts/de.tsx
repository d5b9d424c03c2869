import type { OutageTexts } from '../../http/problem-texts.ts';
import { inMinutes } from '../intl.ts';
import { fieldErrors, type Texts } from './texts.ts';

const LOCALE = 'de';

const FIELDS = {
  username: 'Benutzername',
  password: 'Passwort',
  current_password: 'Aktuelles Passwort',
  new_password: 'Neues Passwort',
  confirm_password: 'Neues Passwort wiederholen',
  remember_me: 'Auf diesem Gerät angemeldet bleiben',
};

const fieldError = fieldErrors(FIELDS, {
  missing: (field) => `Bitte füllen Sie das Feld „${field}“ aus.`,
  invalid: (field) => `Das Feld „${field}“ ist ungültig.`,
  too_long: (field, limit) => `Das Feld „${field}“ darf höchstens ${limit} Zeichen lang sein.`,
  too_short: (_, limit) => `Verwenden Sie mindestens ${limit} Zeichen.`,
  same_as_username: () => 'Das Passwort darf nicht mit dem Benutzernamen übereinstimmen.',
  too_common: () => 'Dieses Passwort ist zu verbreitet. Wählen Sie ein anderes.',
  not_repeated: () => 'Die beiden Passwörter stimmen nicht überein.',
});

const OUTAGES: OutageTexts = {
  nothing:
    'Unsere Daten sind gerade nicht erreichbar. Nichts ist verloren; versuchen Sie es gleich noch einmal.',
  sign_out:
    'Wir konnten die Abmeldung nicht bestätigen. Die Sitzung ist möglicherweise noch offen; versuchen Sie es gleich noch einmal.',
  new_password:
    'Wir konnten die Änderung nicht bestätigen. Melden Sie sich mit dem neuen Passwort an; falls das nicht geht, mit dem alten.',
  password_change:
    'Ihr Passwort ist geändert, aber Ihre anderen Geräte sind möglicherweise noch einen Moment angemeldet. Melden Sie sich mit dem neuen Passwort an und prüfen Sie Ihre Sitzungen.',
};

export const de = {
  language: 'de',
  direction: 'ltr',
  locale: LOCALE,

  problems: {
    invalid_fields: ['Bitte prüfen Sie das Formular', ({ errors }) => errors.map(fieldError).join(' ')],
    malformed_body: ['Anfrage nicht lesbar', 'Die Anfrage ist fehlerhaft aufgebaut.'],
    unsupported_media_type: [
      'Format nicht unterstützt',
      'Erwartet wird ein Formular: application/x-www-form-urlencoded oder multipart/form-data.',
    ],
    body_too_large: ['Anfrage zu groß', 'Die Anfrage ist größer als 64 KiB.'],
    bad_credentials: ['Nicht angemeldet', 'Benutzername oder Passwort ist falsch.'],
    wrong_current_password: ['Passwort nicht geändert', 'Das aktuelle Passwort ist falsch.'],
    not_signed_in: ['Nicht angemeldet', 'Melden Sie sich zuerst an.'],
    csrf_failed: [
      'Dieses Formular ist veraltet',
      ({ noCookie }) =>
        noCookie === true
          ? 'Ihr Browser hat kein Cookie gesendet. Versuchen Sie es noch einmal; wenn es wieder passiert, blockiert er Cookies für diese Website.'
          : 'Vielleicht haben Sie sich an- oder abgemeldet, seit Sie diese Seite geöffnet haben. Bitte versuchen Sie es noch einmal.',
    ],
    foreign_origin: [
      'Anfrage von einer anderen Website',
      'Diese Anfrage kam von einer anderen Website; wir haben sie deshalb nicht angenommen.',
    ],
    not_found: ['Nicht gefunden', 'Unter dieser Adresse gibt es nichts.'],
    method_not_allowed: [
      'Methode nicht erlaubt',
      ({ allow }) => `Diese Adresse akzeptiert ${allow.join(', ')}.`,
    ],
    throttled: [
      'Zu viele Versuche',
      ({ retryAfterSeconds }) =>
        `Zu viele Fehlversuche. Versuchen Sie es ${inMinutes(LOCALE, retryAfterSeconds)} noch einmal.`,
    ],
    store_unavailable: [
      'Vorübergehend nicht verfügbar',
      ({ unconfirmed }) => OUTAGES[unconfirmed ?? 'nothing'],
    ],
    overloaded: [
      'Ausgelastet',
      'Gerade melden sich zu viele gleichzeitig an. Versuchen Sie es in ein paar Sekunden noch einmal.',
    ],
    internal_error: ['Etwas ist schiefgegangen', 'Das ist unser Fehler, und er wurde protokolliert.'],
  },
  fieldError,

  signIn: 'Anmelden',
  signOut: 'Abmelden',
  signedOut: 'Sie sind abgemeldet.',
  tryAgain: 'Noch einmal versuchen',
  goHome: 'Zur Startseite',
  changePassword: 'Passwort ändern',
  yourSessions: 'Ihre Sitzungen',

  frame: {
    account: 'Konto',
    home: 'Übersicht',
    sessions: 'Sitzungen',
    signedInAs: (username) => <>Angemeldet als {username}</>,
    help: 'Hilfe',
  },

  landing: {
    title: 'Willkommen',
    heading: 'Einmal anmelden. Wirklich abmelden.',
    promise: (site) =>
      `${site} verwaltet Ihre Sitzungen am Rand des Netzes. Wenn es heißt, dass Sie abgemeldet sind, dann sind Sie es: auf allen Servern, sofort.`,
    signedInAs: (username) => <>Sie sind angemeldet als {username}.</>,
    goHome: 'Zu Ihrer Übersicht',
    notSignedIn: 'Sie sind nicht angemeldet.',
    unknown:
      'Wir können Ihre Sitzung gerade nicht prüfen. Nichts ist verloren; versuchen Sie es gleich noch einmal.',
  },

  form: {
    pleaseCheck: (title) => `${title}: bitte prüfen`,
    checkForm: 'Bitte prüfen Sie das Formular.',
    checkFields: 'Bitte prüfen Sie die Felder unten.',
    username: FIELDS.username,
    password: FIELDS.password,
    rememberMe: FIELDS.remember_me,
    currentPassword: FIELDS.current_password,
    newPassword: FIELDS.new_password,
    confirmPassword: FIELDS.confirm_password,
    passwordHint: (min, max) =>
      `${min} bis ${max} beliebige Zeichen. Ein paar Wörter kann man sich leicht merken.`,
    passwordWarning: 'Die Änderung meldet alle Ihre anderen Geräte ab.',
  },

  home: {
    title: 'Übersicht',
    greeting: (username) => <>Hallo, {username}</>,
    signedIn: 'Sie sind auf diesem Gerät angemeldet.',
    since: 'Seit',
    from: 'Von',
    unknownAddress: 'unbekannte Adresse',
    until: 'Endet',
    atLatest: (time, rememberMe) => (
      <>
        spätestens {time}
        {rememberMe ? ', weil Sie angemeldet bleiben wollten' : ' oder sobald Sie den Browser schließen'}
      </>
    ),
  },

  logout: {
    heading: 'Abmelden?',
    onThisDevice: 'Sie werden auf diesem Gerät abgemeldet. Ihre anderen Geräte bleiben angemeldet.',
    stay: 'Angemeldet bleiben',
  },

  sessions: {
    intro:
      'Diese Geräte sind angemeldet. Erkennen Sie eines nicht? Melden Sie es ab und ändern Sie Ihr Passwort.',
    notices: {
      revoked: 'Das Gerät ist abgemeldet.',
      unknown: 'Das gewählte Gerät ist nicht in Ihrem Konto angemeldet.',
      others: 'Alle Ihre anderen Geräte sind abgemeldet.',
      password: 'Ihr Passwort ist geändert, und Ihre anderen Geräte sind abgemeldet.',
    },
    thisDevice: 'Dieses Gerät',
    app: 'App',
    remembered: 'Bleibt angemeldet',
    unknownAddress: 'Unbekannte Adresse',
    signedIn: (time) => <>angemeldet {time}</>,
    lastSeen: (time) => <>zuletzt aktiv {time}</>,
    signOutHere: 'Auf diesem Gerät abmelden',
    signOutOne: 'Abmelden',
    signOutDevice: (device, at) => `Abmelden: ${device}, angemeldet ${at}`,
    details: {
      show: 'Einzelheiten',
      signedIn: 'Angemeldet',
      lastSeen: 'Zuletzt aktiv',
      userAgent: 'Browserkennung',
    },
    signOutOthers: 'Alle anderen Geräte abmelden',
    signOutEverywhere: 'Überall abmelden',
  },

  activity: {
    heading: 'Letzte Aktivitäten',
    unavailable: 'Die letzten Aktivitäten sind gerade nicht verfügbar.',
    show: 'Anzeigen',
    none: 'Noch nichts.',
    when: 'Wann',
    what: 'Was',
    from: 'Von',
    unknownAddress: 'unbekannte Adresse',
    details: {
      success: 'Angemeldet',
      bad_credentials: 'Anmeldung fehlgeschlagen: falsches Passwort',
      inactive: 'Anmeldung fehlgeschlagen: Konto gesperrt',
      throttled: 'Anmeldung pausiert: zu viele Fehlversuche',
      logout: 'Abgemeldet',
      logout_others: 'Von einem anderen Gerät aus abgemeldet',
      logout_all: 'Überall abgemeldet',
      revoked: 'Von einem anderen Gerät aus abgemeldet',
      replaced: 'Durch eine neue Anmeldung ersetzt',
      evicted: 'Abgemeldet: zu viele Sitzungen',
      password_changed: 'Abgemeldet: Passwort geändert',
      admin: 'Vom Administrator abgemeldet',
      expired_idle: 'Abgemeldet: längere Zeit nicht benutzt',
      expired_absolute: 'Abgemeldet: Sitzung abgelaufen',
      abandoned: 'Anmeldung nicht abgeschlossen',
    },
  },

  comma: ', ',
  device: {
    unknown: 'Unbekanntes Gerät',
    on: (browser, system) => `${browser} auf ${system}`,
    unknownCountry: 'unbekanntes Land',
    torNetwork: 'Tor-Netzwerk',
  },

  time: { justNow: 'gerade eben', soon: 'in weniger als einer Minute' },

  request: (id) => <>Anfrage {id}</>,

  returnLoop: {
    title: (host) => `Angemeldet, aber ${host} merkt es nicht`,
    heading: (host) => `Sie sind angemeldet, aber ${host} merkt es nicht`,
    intro: (host) =>
      `Von dort wurden Sie innerhalb von zehn Sekunden dreimal zum Anmelden hierher geschickt. Versuchen Sie es gleich noch einmal. Wenn es so weitergeht, bitten Sie die Betreiber von ${host} zu prüfen:`,
    questions: (host) => [
      `Kommt das Sitzungs-Cookie dort an? Nur, wenn dieser Dienst über ${host} selbst erreicht wird oder SESSION_COOKIE_DOMAIN beide einschließt.`,
      'Wird dieser Dienst bei jeder Anfrage gefragt und das Cookie dabei weitergegeben?',
      'Geht die Uhr richtig, und wird aud mit der Adresse verglichen, die Ihr Browser anzeigt?',
    ],
    yourHome: 'Zu Ihrer Übersicht',
  },
} satisfies Texts;
