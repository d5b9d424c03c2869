import { ENGLISH_PROBLEMS } from '../../http/problem-texts.ts';
import type { Texts } from './texts.ts';

export const en = {
  language: 'en',
  direction: 'ltr',
  locale: 'en-GB',

  problems: ENGLISH_PROBLEMS,
  fieldError: ({ message }) => message,

  signIn: 'Sign in',
  signOut: 'Sign out',
  signedOut: 'You are signed out.',
  tryAgain: 'Try again',
  goHome: 'Go to the home page',
  changePassword: 'Change password',
  yourSessions: 'Your sessions',

  frame: {
    account: 'Account',
    home: 'Home',
    sessions: 'Sessions',
    signedInAs: (username) => <>Signed in as {username}</>,
    help: 'Help',
  },

  landing: {
    title: 'Welcome',
    heading: 'Sign in once. Sign out for real.',
    promise: (site) =>
      `${site} keeps your sessions at the edge of the network. When it says you're signed out, you are: on every server, at once.`,
    signedInAs: (username) => <>You're signed in as {username}.</>,
    goHome: 'Go to your home page',
    notSignedIn: "You're not signed in.",
    unknown: "We can't check your session right now. Nothing is lost; try again in a moment.",
  },

  form: {
    pleaseCheck: (title) => `${title}: please check`,
    checkForm: 'Please check the form.',
    checkFields: 'Please check the fields below.',
    username: 'Username',
    password: 'Password',
    rememberMe: 'Remember me on this device',
    currentPassword: 'Current password',
    newPassword: 'New password',
    confirmPassword: 'Repeat the new password',
    passwordHint: (min, max) => `${min} to ${max} characters of any kind. A few words are easy to remember.`,
    passwordWarning: 'Changing it signs out all your other devices.',
  },

  home: {
    title: 'Home',
    greeting: (username) => <>Hello, {username}</>,
    signedIn: "You're signed in on this device.",
    since: 'Since',
    from: 'From',
    unknownAddress: 'an unknown address',
    until: 'Until',
    atLatest: (time, rememberMe) => (
      <>
        {time} at the latest
        {rememberMe ? ', because you chose Remember me' : ', or until you close the browser'}
      </>
    ),
  },

  logout: {
    heading: 'Sign out?',
    onThisDevice: 'This signs you out on this device. Your other devices stay signed in.',
    stay: 'Stay signed in',
  },

  sessions: {
    intro: "These devices are signed in. Don't recognise one? Sign it out and change your password.",
    notices: {
      revoked: 'That device is signed out.',
      unknown: "That device isn't signed in to your account.",
      others: 'All your other devices are signed out.',
      password: 'Your password is changed, and your other devices are signed out.',
    },
    thisDevice: 'This device',
    app: 'App',
    remembered: 'Remembered',
    unknownAddress: 'Unknown address',
    signedIn: (time) => <>signed in {time}</>,
    lastSeen: (time) => <>last seen {time}</>,
    signOutHere: 'Sign out on this device',
    signOutOne: 'Sign out',
    signOutDevice: (device, at) => `Sign out ${device}, signed in ${at}`,
    details: { show: 'Details', signedIn: 'Signed in', lastSeen: 'Last seen', userAgent: 'User agent' },
    signOutOthers: 'Sign out all other devices',
    signOutEverywhere: 'Sign out everywhere',
  },

  activity: {
    heading: 'Recent activity',
    unavailable: 'Recent activity is unavailable right now.',
    show: 'Show it',
    none: 'Nothing yet.',
    when: 'When',
    what: 'What',
    from: 'From',
    unknownAddress: 'unknown address',
    details: {
      success: 'Signed in',
      bad_credentials: 'Failed sign-in: wrong password',
      inactive: 'Failed sign-in: account disabled',
      throttled: 'Sign-ins paused: too many failures',
      logout: 'Signed out',
      logout_others: 'Signed out from another device',
      logout_all: 'Signed out everywhere',
      revoked: 'Signed out from another device',
      replaced: 'Replaced by a new sign-in',
      evicted: 'Signed out: too many sessions',
      password_changed: 'Signed out: password changed',
      admin: 'Signed out by an administrator',
      expired_idle: 'Signed out: not used for a while',
      expired_absolute: 'Signed out: session expired',
      abandoned: 'Sign-in not completed',
    },
  },

  comma: ', ',
  device: {
    unknown: 'Unknown device',
    on: (browser, system) => `${browser} on ${system}`,
    unknownCountry: 'unknown country',
    torNetwork: 'Tor network',
  },

  time: { justNow: 'just now', soon: 'in less than a minute' },

  request: (id) => <>Request {id}</>,

  returnLoop: {
    title: (host) => `Signed in, but ${host} doesn't see it`,
    heading: (host) => `You are signed in, but ${host} doesn't see it`,
    intro: (host) =>
      `It sent you here to sign in three times within ten seconds. Try again in a moment. If it goes on, ask the people who run ${host} to check:`,
    questions: (host) => [
      `Does it get the session cookie? It does only if this service is reached through ${host} itself, or if SESSION_COOKIE_DOMAIN covers both.`,
      'Does it ask this service about each request, and pass the cookie on?',
      'Is its clock right, and does it compare aud with the address that your browser shows?',
    ],
    yourHome: 'Your home page',
  },
} satisfies Texts;
