/** `npm run csv`: tables as other systems export them. */
import { existsSync, linkSync, readdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { formsOfHashes, phrases } from '../support/hash-forms'
import { linesOf, runsInThread, temporaryFolder } from '../support/scripts'

const folder = temporaryFolder()
let tables = 0

/** The output of the command for this table, given as text or bytes. */
async function converted(table, ...flags) {
  tables += 1
  const [from, to] = [join(folder, `${tables}.csv`), join(folder, `${tables}.ndjson`)]
  writeFileSync(from, table)
  const { status, said } = await runsInThread('csv', [from, to, ...flags])
  return { status, said: said.trim(), rows: existsSync(to) ? linesOf(to) : undefined }
}

/** The rows that the command makes of a table. All rows must be valid. */
async function rowsOf(table, ...flags) {
  const { status, said, rows } = await converted(table, ...flags)
  expect([status, said]).toEqual([0, expect.stringMatching(/rows in .*\.ndjson\.$/m)])
  return rows
}

/** Expects that the table stops the command: exit status 2, one sentence without a stack trace, and no file. */
async function expectStop(table, sentence, ...flags) {
  const { status, said, rows } = await converted(table, ...flags)
  expect([said, status, rows]).toEqual([expect.stringMatching(sentence), 2, undefined])
  expect(said.split('\n').length).toBe(1)
  expect(readdirSync(folder).filter((name) => name.endsWith('.part'))).toEqual([])
}

const quoted = (text) => `"${text.replaceAll('"', '""')}"`
const table = (...rows) => rows.map((row) => row.map(quoted).join(',')).join('\n')

describe('a hash in the password column', () => {
  it('is refused by line, and the other rows are written', async () => {
    const rows = [...formsOfHashes.filter((hash) => hash !== 'password_hashed'), ...phrases].map((password, index) => [
      `user${index}@example.org`,
      password,
    ])
    const { status, said, rows: written } = await converted(table(['email', 'password'], ...rows))
    const refused = rows.length - phrases.length
    expect(status).toBe(1)
    expect(said).toContain(`${refused} rows refused.`)
    for (let line = 2; line < refused + 2; line += 1) {
      expect(said).toContain(`Line ${line}: password looks like a hash: name the column password_hash.`)
    }
    expect(written.map(({ password }) => password)).toEqual(phrases)
  })

  it('may be missing where the column password_from names the system that knows the password', async () => {
    expect(
      await rowsOf(table(['email', 'password_from'], ['a@example.org', 'clinic-legacy'], ['b@example.org', ''])),
    ).toEqual([{ email: 'a@example.org', password_from: 'clinic-legacy' }, { email: 'b@example.org' }])
  })

  it('is accepted in a column for hashes, and so is Django’s unusable password', async () => {
    const hash = 'pbkdf2_sha256$36000$seasalt$mEUPPFJkT/xtwDU8rB7Q+puHRZnR07WRjerTkt/3HI0='
    expect(
      await rowsOf(table(['email', 'password_hash'], ['a@example.org', hash], ['b@example.org', '!unusable'])),
    ).toEqual([
      { email: 'a@example.org', password_hash: hash },
      { email: 'b@example.org', password_hash: '!unusable' },
    ])
  })

  it('is ignored when it is a placeholder of the source system', async () => {
    expect(
      await rowsOf(table(['email', 'password'], ['a@example.org', 'password_hashed'], ['b@example.org', '****'])),
    ).toEqual([{ email: 'a@example.org' }, { email: 'b@example.org' }])
  })
})

describe('the encoding', () => {
  const text = 'email;nom\r\na@example.org;Zoë Łuk 🔑\r\nb@example.org;Ünal\r\n'
  const expected = [
    { email: 'a@example.org', name: 'Zoë Łuk 🔑' },
    { email: 'b@example.org', name: 'Ünal' },
  ]
  const utf16 = (order) => {
    const bytes = Buffer.from(`\ufeff${text}`, 'utf16le')
    return order === 'be' ? bytes.swap16() : bytes
  }

  it.each([
    ['UTF-8', Buffer.from(text)],
    ['UTF-8 with a byte order mark', Buffer.from(`\ufeff${text}`)],
    ['UTF-16, little end first', utf16('le')],
    ['UTF-16, big end first', utf16('be')],
  ])('is read: %s', async (_, bytes) => {
    expect(await rowsOf(bytes)).toEqual(expected)
  })

  it('is read correctly in files of any size, wherever the chunks are split', async () => {
    const names = Array.from({ length: 12_000 }, (_, index) => `${'é'.repeat(60 + (index % 7))}🔑 Zoë ${index}`)
    for (const encoding of ['utf8', 'utf16le']) {
      const text = `\ufeffemail,name\r\n${names.map((name) => `a@example.org,${name}\r\n`).join('')}`
      expect((await rowsOf(Buffer.from(text, encoding))).map(({ name }) => name)).toEqual(names)
    }
  })

  it('stops the command at the first line that is not UTF-8, however far down it is', async () => {
    const latin = (line) => Buffer.concat([Buffer.from(line), Buffer.from('Ren\xe9\n', 'latin1')])
    await expectStop(latin('email,name\na@example.org,'), /^Line 2 is not UTF-8\..*--encoding windows-1252/)
    const many = 'x@example.org,Zoë with a long name that fills the file\n'.repeat(60_000)
    await expectStop(latin(`email,name\n${many}y@example.org,`), /^Line 60002 is not UTF-8\./)
  })

  it('stops the command when the bytes suggest another encoding', async () => {
    await expectStop(Buffer.from('email,name\na@example.org,A\n', 'utf16le'), /^Line 1 is not in a known encoding\./)
    await expectStop(Buffer.concat([utf16('le'), Buffer.from([0x00, 0xd8, 0x41, 0x00])]), /is not utf-16le from line/)
    await expectStop(Buffer.from([0x65, 0x6d, 0xc3, 0x28, 0x0a]), /^Line 1 is not UTF-8\./)
  })

  it('is the one that the command line names', async () => {
    const bytes = Buffer.from('email;nom;mobile\na@example.org;L\xf6we \x96 \x80 \x92;1\n', 'latin1')
    expect(await rowsOf(bytes, '--encoding', 'windows-1252')).toEqual([
      { email: 'a@example.org', name: 'Löwe – € ’', mobile: '1' },
    ])
    expect((await rowsOf(bytes, '--encoding=cp1252'))[0].name).toBe('Löwe – € ’')
    // A byte order mark overrides the flag.
    expect(await rowsOf(utf16('le'), '--encoding', 'windows-1252')).toEqual(expected)
    await expectStop(bytes, /^klingon is not a supported encoding/, '--encoding', 'klingon')
    await expectStop(bytes, /^npm run csv -- /, '--encoding')
  })
})

describe('the command stops', () => {
  it.each([
    ['an empty file', '', /is empty\.$/],
    ['a byte order mark alone', '\ufeff', /is empty\.$/],
    ['rows of nothing alone', '\n;;\n  \n', /^No heading matches a user field/],
    ['no known heading', 'colour,size\nred,38\n', /^No heading matches a user field/],
    ['a table without headings', 'a@example.org,A\nb@example.org,B\n', /^No heading matches a user field/],
    [
      'a heading twice',
      'email,shoe,name,Shoe\na@example.org,1,A,2\n',
      /^The headings shoe and Shoe are for the same field/,
    ],
    ['two headings of one field', 'email,nom,Full Name\n', /^The headings nom and Full Name are for the same field/],
    [
      'a status and its contrary',
      'email,is_active,suspended\n',
      /^The headings is_active and suspended are for the same field/,
    ],
    ['two values of one field', 'email,number,id\na@example.org,1,2\n', /^Line 2 has two values of number/],
    ['a quotation mark in a value', 'email,name\na@example.org,A\nb@example.org,An"na\n', /^Line 3 cannot be parsed/],
    ['text behind a quotation', 'email,name\na@example.org,"A" b\n', /^Line 2 cannot be parsed/],
    [
      'a quotation that never closes',
      'email,name\na@example.org,A\nb@example.org,"B\nc@example.org,C\n',
      /^Line 3 cannot/,
    ],
    [
      'a quotation that closes in another row',
      'email,name\na@x.org,"A\nb@x.org,B"b\n',
      /^Lines 2 to 3 cannot be parsed/,
    ],
    ['a stray quotation mark in the headings', 'em"ail,name\na@example.org,A\n', /^Line 1 cannot be parsed/],
    ['a value too few', 'email,name\na@example.org,A\nb@example.org\n', /^Line 3 has 1 values under 2 headings\.$/],
    ['a value too many', 'email,name\r\na@example.org,A,B\r\n', /^Line 2 has 3 values under 2 headings\.$/],
    ['a faulty row after lines in quotation marks', 'email,name\r\na@x.org,"A\r\nB"\r\nb@x.org\r\n', /^Line 4 has 1/],
  ])('for %s', async (_, text, sentence) => {
    await expectStop(text, sentence)
  })

  it('for an output that is the input, even through another path or a link', async () => {
    const path = join(folder, 'people.csv')
    const text = 'email,name\na@example.org,A\n'
    writeFileSync(path, text)
    symlinkSync(path, join(folder, 'soft.csv'))
    linkSync(path, join(folder, 'hard.csv'))
    for (const to of [path, join(folder, '.', 'people.csv'), join(folder, 'soft.csv'), join(folder, 'hard.csv')]) {
      const { status, said } = await runsInThread('csv', [path, to])
      expect([status, said.trim()]).toEqual([2, expect.stringMatching(/is the table itself/)])
      expect(readFileSync(path, 'utf8')).toBe(text)
    }
    expect((await runsInThread('csv', [join(folder, 'soft.csv'), path])).status).toBe(2)
  })

  it('for a file that cannot be read or written', async () => {
    writeFileSync(join(folder, 'good.csv'), 'email\na@example.org\n')
    for (const args of [
      [join(folder, 'nothing.csv'), join(folder, 'x.ndjson')],
      [folder, join(folder, 'x.ndjson')],
      [join(folder, 'good.csv'), join(folder, 'no-folder', 'x.ndjson')],
      [join(folder, 'good.csv'), folder],
      [join(folder, 'good.csv')],
    ]) {
      const { status, said } = await runsInThread('csv', args)
      expect([status, said.trim().split('\n').length]).toEqual([2, 1])
    }
  })

  it('and leaves an earlier output unchanged', async () => {
    const [from, to] = [join(folder, 'late.csv'), join(folder, 'late.ndjson')]
    writeFileSync(from, `email,name\n${'a@example.org,A\n'.repeat(50_000)}b@example.org,B"\n`)
    writeFileSync(to, 'earlier\n')
    expect(await runsInThread('csv', [from, to])).toEqual({
      status: 2,
      said: expect.stringContaining('Line 50002 cannot be parsed'),
    })
    expect(readFileSync(to, 'utf8')).toBe('earlier\n')
    expect(readdirSync(folder).filter((name) => name.endsWith('.part'))).toEqual([])
  })
})

describe('delimiters and rows', () => {
  const one = [{ email: 'a@example.org', name: 'A, B; C', phone: '1' }]

  it.each([
    ['commas', 'email,name,phone\na@example.org,"A, B; C",1\n'],
    ['semicolons', 'email;name;phone\na@example.org;"A, B; C";1\n'],
    ['tabs', 'email\tname\tphone\na@example.org\tA, B; C\t1\n'],
    ['bars', 'email|name|phone\na@example.org|A, B; C|1\n'],
    ['other delimiters inside quotation marks', '"a, b, c, d";email;name;phone\n;a@example.org;"A, B; C";1\n'],
    ['other delimiters inside a heading', 'a, b, c, d, e;email;name;phone\n;a@example.org;"A, B; C";1\n'],
    ['blanks after every delimiter', 'email, "name", phone\na@example.org, "A, B; C", 1\n'],
    ['carriage returns alone', 'email,name,phone\ra@example.org,"A, B; C",1\r'],
    ['no newline at the end', 'email,name,phone\na@example.org,"A, B; C",1'],
  ])('are read: %s', async (_, text) => {
    expect(await rowsOf(text)).toEqual(one)
  })

  it.each([
    ['sep=;', 'sep=;\r\n'],
    ['in capitals', 'SEP=;\n'],
    ['in quotation marks', '"sep=;"\n'],
    ['in quotation marks, mixed case', '\ufeff"Sep=;"\r\n'],
  ])('include a line for spreadsheets, %s, which is skipped and counted as a line', async (_, line) => {
    expect(await rowsOf(`${line}email;name;phone\na@example.org;"A, B; C";1\n`)).toEqual(one)
    await expectStop(`${line}email;name\na@example.org\n`, /^Line 3 has 1 values/)
  })

  it('use the delimiter that a first line sep= names', async () => {
    expect(await rowsOf('sep=^\nemail^name^phone\na@example.org^A, B; C^1\n')).toEqual(one)
  })

  it('may be empty: blank rows, also before the headings, and empty columns at the end are skipped', async () => {
    const text = '\n;;;;\nemail;name;phone;;\n;;;;\n\na@example.org;"A, B; C";1;;\n  ; ;;;\n;;;;;;\n'
    expect(await rowsOf(text)).toEqual(one)
  })

  it('have every value trimmed, except passwords', async () => {
    const text = ' email ;password;name\n a@example.org ; a pass phrase ; A \n"b@example.org ";"  quoted too  "; B\n'
    expect(await rowsOf(text)).toEqual([
      { email: 'a@example.org', password: ' a pass phrase ', name: 'A' },
      { email: 'b@example.org', password: '  quoted too  ', name: 'B' },
    ])
  })
})

describe('the values of other contracts', () => {
  it('are read: personnel’s', async () => {
    const { rows, said } = await converted(
      table(
        ['user_id', 'matricule', 'nom', 'email', 'password', 'role_name', 'role_id', 'status', 'timestamp'],
        [
          ...['e9d19686-78f7-406c-a14d-7e11ba8ca36f', '2025', 'Aïcha Lemoine', 'a@example.org', 'password_hashed'],
          ...['admin', '676f48d0-11fb-493b-8266-be3a247c4026', 'deactivated', '2025-11-05T16:12:12'],
        ],
      ),
    )
    expect(said).toContain('match no user field: role_id.')
    expect(rows).toEqual([
      {
        id: 'e9d19686-78f7-406c-a14d-7e11ba8ca36f',
        matricule: 2025,
        name: 'Aïcha Lemoine',
        email: 'a@example.org',
        role: 'admin',
        status: 'inactive',
        created_at: '2025-11-05T16:12:12Z',
      },
    ])
  })

  it('are read: back office’s', async () => {
    const { rows } = await converted(
      table(
        ['user_id', 'username', 'first_name', 'last_name', 'email', 'gender', 'birthday', 'country_id', 'user_status'],
        ['17', 'noor', 'Noor', 'Haddad', 'noor@example.org', 'female', '1990-01-01', '33', 'inactive'],
        ['18', 'rui@example.org', 'Rui', 'Tavares', 'Rui@example.org', 'male', '1990-01-01', '', 'active'],
      ),
    )
    expect(rows).toEqual([
      {
        number: 17,
        username: 'noor',
        first_name: 'Noor',
        last_name: 'Haddad',
        email: 'noor@example.org',
        gender: 'female',
        birth_date: '1990-01-01',
        country_id: 33,
        status: 'inactive',
      },
      // Backoffice shows the email of a user without a username.
      {
        number: 18,
        first_name: 'Rui',
        last_name: 'Tavares',
        email: 'Rui@example.org',
        gender: 'male',
        birth_date: '1990-01-01',
        status: 'active',
      },
    ])
  })

  it('are read: clinic’s', async () => {
    const row = (...rest) => ['17', '019b1c6e7a407d529a513f1d0c2b4e66', 'a@example.org', ...rest]
    const headings = ['id', 'uid', 'email', 'birth_date', 'is_staff', 'is_active', 'user_type', 'gender']
    expect(await rowsOf(table(headings, row('08 Jul 1980', 'True', 'False', 'CL', 'M')))).toEqual([
      {
        number: 17,
        id: '019b1c6e7a407d529a513f1d0c2b4e66',
        email: 'a@example.org',
        birth_date: '1980-07-08',
        is_staff: true,
        status: 'inactive',
        user_type: 'clinician',
        gender: 'male',
      },
    ])
    const types = ['AD', 'TE', 'CL', 'ST', 'Administrative', 'Technician', 'Clinician', 'Student', 'XX']
    const genders = ['M', 'F', 'U', 'Male', 'Female', 'Unknown', 'f', 'u', 'X']
    const read = await rowsOf(table(headings, ...types.map((type, index) => row('', '', '', type, genders[index]))))
    expect(read.map(({ user_type }) => user_type)).toEqual([
      ...['administrative', 'technician', 'clinician', 'student'],
      ...['administrative', 'technician', 'clinician', 'student', 'XX'],
    ])
    expect(read.map(({ gender }) => gender)).toEqual([
      ...['male', 'female', 'unknown', 'male', 'female', 'unknown', 'female', 'unknown', 'X'],
    ])
  })

  it('are read: rbac’s and v1’s', async () => {
    const id = 'usr_019b1c6e7a407d529a513f1d0c2b4e66'
    expect(
      await rowsOf(
        table(
          ['id', 'number', 'email', 'first_name', 'last_name', 'is_active', 'roles', 'created_at', 'version'],
          [id, '7', 'a@example.org', 'A', 'B', 'true', 'user|admin', '2023-01-01T00:00:00Z', '3'],
        ),
      ),
    ).toEqual([
      {
        id,
        number: 7,
        email: 'a@example.org',
        first_name: 'A',
        last_name: 'B',
        status: 'active',
        roles: ['user', 'admin'],
        created_at: '2023-01-01T00:00:00Z',
        version: 3,
      },
    ])
  })

  it('are read: times of SQL and others, in UTC when they name no zone', async () => {
    const times = [
      ['2023-01-05 10:11:12', '2023-01-05T10:11:12Z'],
      ['2023-01-05 10:11:12.123456', '2023-01-05T10:11:12.123456Z'],
      ['2023-01-05 10:11:12.123456+00', '2023-01-05T10:11:12.123456+00:00'],
      ['2023-01-05 10:11:12+0530', '2023-01-05T10:11:12+05:30'],
      ['2023-01-05T10:11:12-08:00', '2023-01-05T10:11:12-08:00'],
      ['2023-01-05 10:11:12 UTC', '2023-01-05T10:11:12Z'],
      ['2023-01-05 10:11', '2023-01-05T10:11:00Z'],
      ['2023-01-05', '2023-01-05T00:00:00Z'],
      ['1672913472', '2023-01-05T10:11:12.000Z'],
      ['2023-01-05T10:11:12.1234567890Z', '2023-01-05T10:11:12.123456789Z'],
      ['01/05/2023', '01/05/2023'],
      ['yesterday', 'yesterday'],
    ]
    expect(
      (await rowsOf(table(['email', 'created_at'], ...times.map(([time]) => ['a@example.org', time])))).map(
        ({ created_at }) => created_at,
      ),
    ).toEqual(times.map(([, time]) => time))
    const dates = [
      ['1980-07-08', '1980-07-08'],
      ['1980-07-08 00:00:00', '1980-07-08'],
      ['1980-07-08T00:00:00Z', '1980-07-08'],
      ['8 jul 1980', '1980-07-08'],
      ['07/08/1980', '07/08/1980'],
    ]
    expect(
      (await rowsOf(table(['email', 'birthday'], ...dates.map(([day]) => ['a@example.org', day])))).map(
        ({ birth_date }) => birth_date,
      ),
    ).toEqual(dates.map(([, day]) => day))
  })

  it('are absent when SQL has NULL', async () => {
    expect(await rowsOf(table(['email', 'phone', 'gender', 'nom'], ['a@example.org', 'NULL', '\\N', 'NULL']))).toEqual([
      { email: 'a@example.org', name: 'NULL' },
    ])
  })
})

describe('the headings of other systems', () => {
  it('are read: French tables, where nom is the family name next to prénom, and the whole name without it', async () => {
    expect(await rowsOf('Nom;Prénom;Courriel\nLemoine;Aïcha;a@example.org\n')).toEqual([
      { last_name: 'Lemoine', first_name: 'Aïcha', email: 'a@example.org' },
    ])
    expect((await rowsOf('prenom;nom;email\nAïcha;Lemoine;a@example.org\n'))[0].last_name).toBe('Lemoine')
    expect((await rowsOf('Nom;Courriel\nAïcha Lemoine;a@example.org\n'))[0].name).toBe('Aïcha Lemoine')
  })

  it('are read: Google Workspace', async () => {
    const { rows, status } = await converted(
      table(
        [
          ...['First Name [Required]', 'Last Name [Required]', 'Email Address [Required]', 'Password [Required]'],
          ...['Password Hash Function [UPLOAD ONLY]', 'Org Unit Path [Required]', 'New Primary Email [UPLOAD ONLY]'],
          ...['Status [READ ONLY]', 'Last Sign In [READ ONLY]', 'Recovery Email', 'Work Phone', 'Mobile Phone'],
          ...['Employee ID', '2sv Enrolled [READ ONLY]', 'Change Password at Next Sign-In', 'New Status [UPLOAD ONLY]'],
        ],
        [
          ...['Mara', 'Vel', 'mara@example.org', '****', '', '/', '', 'Suspended', 'Never logged in', ''],
          ...['+33 1', '+33 6', '77', 'False', 'False', ''],
        ],
      ),
    )
    expect([status, rows]).toEqual([
      0,
      [
        {
          first_name: 'Mara',
          last_name: 'Vel',
          email: 'mara@example.org',
          status: 'inactive',
          phone: '+33 1',
          mobile: '+33 6',
          matricule: 77,
        },
      ],
    ])
  })

  it('are read: Okta', async () => {
    const headings = ['id', 'status', 'created', 'activated', 'statusChanged', 'lastLogin', 'lastUpdated']
    const { rows, status } = await converted(
      table(
        [...headings, 'login', 'email', 'firstName', 'lastName', 'displayName', 'mobilePhone', 'employeeNumber'],
        [
          ...['00u1abcdefGHIJKLM0h7', 'DEPROVISIONED', '2023-01-05T10:11:12.000Z', '2023-01-06T10:11:12.000Z', ''],
          ...['2024-01-01T00:00:00.000Z', '2024-01-05T10:11:12.000Z', 'mara@example.org', 'mara@example.org'],
          ...['Mara', 'Vel', 'Mara Vel', '+33 6', '77'],
        ],
        [...['00u1abcdefGHIJKLM0h8', 'ACTIVE', '', '', '', '', '', 'zoe', 'zoe@example.org', 'Zoe', 'Ott', '', '', '']],
      ),
    )
    expect([status, rows]).toEqual([
      0,
      [
        {
          status: 'inactive',
          created_at: '2023-01-05T10:11:12.000Z',
          updated_at: '2024-01-05T10:11:12.000Z',
          email: 'mara@example.org',
          first_name: 'Mara',
          last_name: 'Vel',
          name: 'Mara Vel',
          mobile: '+33 6',
          matricule: 77,
        },
        { status: 'active', username: 'zoe', email: 'zoe@example.org', first_name: 'Zoe', last_name: 'Ott' },
      ],
    ])
    expect(await rowsOf('user.login,user.firstName,user.status\nzoe@example.org,Zoe,SUSPENDED\n')).toEqual([
      { email: 'zoe@example.org', first_name: 'Zoe', status: 'inactive' },
    ])
  })

  it('are read: Entra and Microsoft 365', async () => {
    const id = 'e9d19686-78f7-406c-a14d-7e11ba8ca36f'
    expect(
      await rowsOf(
        table(
          [
            ...['userPrincipalName', 'displayName', 'surname', 'mail', 'givenName', 'id', 'userType', 'jobTitle'],
            ...['accountEnabled', 'state', 'telephoneNumber', 'mobilePhone', 'createdDateTime'],
          ],
          [
            ...['mara@tenant.example.org', 'Mara Vel', 'Vel', 'mara@example.org', 'Mara', id, 'Member', 'Nurse'],
            ...['False', 'CA', '+33 1', '+33 6', '2023-01-05T10:11:12Z'],
          ],
          ['zoe@tenant.example.org', 'Zoe', '', '', '', '', 'Guest', '', 'True', '', '', '', ''],
        ),
      ),
    ).toEqual([
      {
        username: 'mara@tenant.example.org',
        name: 'Mara Vel',
        last_name: 'Vel',
        email: 'mara@example.org',
        id,
        first_name: 'Mara',
        status: 'inactive',
        phone: '+33 1',
        mobile: '+33 6',
        created_at: '2023-01-05T10:11:12Z',
      },
      { name: 'Zoe', email: 'zoe@tenant.example.org', status: 'active' },
    ])
    expect(
      await rowsOf(
        table(
          ['Block credential', 'Display name', 'Object Id', 'User principal name', 'When created', 'Phone number'],
          ['True', 'Mara', id, 'mara@example.org', '2023-01-05 10:11:12Z', ''],
        ),
      ),
    ).toEqual([{ status: 'inactive', name: 'Mara', id, email: 'mara@example.org', created_at: '2023-01-05T10:11:12Z' }])
  })

  it('are read: Moodle', async () => {
    expect(
      await rowsOf(
        table(
          ['id', 'username', 'firstname', 'lastname', 'email', 'idnumber', 'phone1', 'phone2', 'suspended', 'deleted'],
          ['4', 'mara', 'Mara', 'Vel', 'mara@example.org', '0077', '+33 1', '+33 6', '1', '0'],
        ),
      ),
    ).toEqual([
      {
        number: 4,
        username: 'mara',
        first_name: 'Mara',
        last_name: 'Vel',
        email: 'mara@example.org',
        matricule: 77,
        phone: '+33 1',
        mobile: '+33 6',
        status: 'inactive',
      },
    ])
  })

  it('are read: WordPress, whose user_status has no meaning', async () => {
    const { rows, said } = await converted(
      table(
        [
          ...['ID', 'user_login', 'user_pass', 'user_nicename', 'user_email', 'user_url', 'user_registered'],
          ...['user_activation_key', 'user_status', 'display_name'],
        ],
        [
          ...['1', 'mara', '$P$BDtq7RQ9lAFCXk9j1l1B9MYoV8S3Yf.', 'mara', 'mara@example.org', ''],
          ...['2023-01-05 10:11:12', '1672913472:$P$BDtq7RQ9lAFCXk9j1l1B9MYoV8S3Yf.', '0', 'Mara Vel'],
        ],
      ),
    )
    expect(rows).toEqual([
      {
        number: 1,
        username: 'mara',
        password_hash: '$P$BDtq7RQ9lAFCXk9j1l1B9MYoV8S3Yf.',
        email: 'mara@example.org',
        created_at: '2023-01-05T10:11:12Z',
        name: 'Mara Vel',
      },
    ])
    expect(said).toContain('user_status')
  })

  it('are read: Django and Laravel, whose column password holds hashes, which are refused by line', async () => {
    const django = 'pbkdf2_sha256$36000$seasalt$mEUPPFJkT/xtwDU8rB7Q+puHRZnR07WRjerTkt/3HI0='
    const laravel = '$2y$10$92IXUNpkjO0rOQ5byMi.Ye4oKoEa3Ro9llC/.og/at2.uheWG/igi'
    const users = (heading) => [
      table(
        ['id', heading, 'last_login', 'is_superuser', 'username', 'email', 'is_staff', 'is_active', 'date_joined'],
        ['4', django, '', 't', 'mara', 'mara@example.org', 'f', 't', '2023-01-05 10:11:12.123456+00'],
      ),
      table(
        ['id', 'name', 'email', 'email_verified_at', heading, 'remember_token', 'created_at', 'deleted_at'],
        ['4', 'Mara', 'mara@example.org', 'NULL', laravel, 'NULL', '2023-01-05 10:11:12', 'NULL'],
      ),
    ]
    for (const text of users('password')) {
      const { status, said, rows } = await converted(text)
      expect([status, rows]).toEqual([1, []])
      expect(said).toContain('Line 2: password looks like a hash: name the column password_hash.')
    }
    const [one, other] = await Promise.all(users('password_hash').map(async (text) => (await rowsOf(text))[0]))
    expect(one).toEqual({
      number: 4,
      password_hash: django,
      username: 'mara',
      email: 'mara@example.org',
      is_staff: false,
      status: 'active',
      created_at: '2023-01-05T10:11:12.123456+00:00',
    })
    expect(other).toEqual({
      number: 4,
      name: 'Mara',
      email: 'mara@example.org',
      password_hash: laravel,
      created_at: '2023-01-05T10:11:12Z',
    })
  })
})

describe('an unknown column', () => {
  it('does not prevent other columns from being read', async () => {
    const { status, said, rows } = await converted(
      '\ufeffEmail;Nom;Matricule;Birthday;is_active;Is Staff;Roles;Shoe size\r\n"a@example.org";"Aïcha ""A"" Lemoine";12;1980-07-08;1;non;user|admin;38\r\nb@example.org;B;x;;0;;;\r\n',
    )
    expect([status, said]).toEqual([0, expect.stringContaining('match no user field: shoe_size')])
    expect(rows).toEqual([
      {
        email: 'a@example.org',
        name: 'Aïcha "A" Lemoine',
        matricule: 12,
        birth_date: '1980-07-08',
        status: 'active',
        is_staff: false,
        roles: ['user', 'admin'],
      },
      { email: 'b@example.org', name: 'B', matricule: 'x', status: 'inactive' },
    ])
  })

  it('is ignored, and the command names it', async () => {
    const { said, rows } = await converted('email,Shoe size,État civil\na@example.org,38,\nb@example.org,,single\n')
    expect(said).toContain('match no user field: shoe_size, etat_civil.')
    expect(rows).toEqual([{ email: 'a@example.org' }, { email: 'b@example.org' }])
  })

  it('is passed to the import, which refuses it, when it looks like a status or a hash', async () => {
    const text = table(
      ['email', 'locked', 'deleted', 'deleted_at', 'Password Salt', 'lifecycle', 'secret'],
      ['a@example.org', '1', '0', '', '', '', ''],
      ['b@example.org', '', '1', '2020-01-01', 'x', 'suspended', '$2y$10$92IXUNpkjO0rOQ5byMi.Ye'],
    )
    expect(await rowsOf(text)).toEqual([
      { email: 'a@example.org', locked: '1' },
      {
        email: 'b@example.org',
        deleted: '1',
        deleted_at: '2020-01-01',
        password_salt: 'x',
        lifecycle: 'suspended',
        secret: '$2y$10$92IXUNpkjO0rOQ5byMi.Ye',
      },
    ])
  })
})
