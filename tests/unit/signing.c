// SPDX-License-Identifier: GPL-2.0
/* Signatures of modules: whose key makes them, and whether they are what the kernel reads. */
#include "host/private.h"
#include "host/signing.h"
#include "root.h"

#include <openssl/cms.h>
#include <openssl/pem.h>
#include <openssl/rsa.h>
#include <openssl/x509.h>
#include <string.h>
#include <sys/stat.h>

#define DKMS_KEY  "var/lib/dkms/mok.key"
#define DKMS_CERT "var/lib/dkms/mok.pub"

static EVP_PKEY *key, *other_key;
static X509 *certificate;

static void put_bio(const char *name, BIO *bio)
{
	char *data;
	long size = BIO_get_mem_data(bio, &data);

	assert_true(size > 0);
	put_bytes(name, data, size, 0600);
	BIO_free(bio);
}

static void put_key(const char *name, EVP_PKEY *k, const char *passphrase)
{
	BIO *bio = BIO_new(BIO_s_mem());

	assert_true(PEM_write_bio_PKCS8PrivateKey(bio, k, passphrase ? EVP_aes_256_cbc() : NULL, passphrase,
						  passphrase ? strlen(passphrase) : 0, NULL, NULL));
	put_bio(name, bio);
}

static void put_certificate(const char *name, bool pem)
{
	BIO *bio = BIO_new(BIO_s_mem());

	assert_true(pem ? PEM_write_bio_X509(bio, certificate) : i2d_X509_bio(bio, certificate));
	put_bio(name, bio);
}

static void change_mode(const char *name, mode_t mode)
{
	_cleanup_free_ char *path = path_join(root_folder, name);

	assert_int_equal(chmod(path, mode), 0);
}

/* A certificate of its own, as dkms makes one. */
static int set_up_all(void **state)
{
	struct error *err = temp_dir_new(&temp_folder);
	X509_NAME *name;

	error_free(err);
	key = EVP_RSA_gen(2048);
	other_key = EVP_RSA_gen(2048);
	certificate = X509_new();
	if (err || !key || !other_key || !certificate)
		return -1;
	X509_set_version(certificate, X509_VERSION_3);
	ASN1_INTEGER_set(X509_get_serialNumber(certificate), 7);
	X509_gmtime_adj(X509_getm_notBefore(certificate), 0);
	X509_gmtime_adj(X509_getm_notAfter(certificate), 86400);
	name = X509_get_subject_name(certificate);
	X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_ASC, (const unsigned char *)"a machine", -1, -1, 0);
	X509_set_issuer_name(certificate, name);
	X509_set_pubkey(certificate, key);
	return X509_sign(certificate, key, EVP_sha256()) ? 0 : -1;
}

static int tear_down_all(void **state)
{
	EVP_PKEY_free(key);
	EVP_PKEY_free(other_key);
	X509_free(certificate);
	free(temp_folder);
	return 0;
}

static void knows_what_the_kernel_demands(void **state)
{
	assert_false(signing_demanded());
	put_text("sys/module/module/parameters/sig_enforce", "N\n");
	assert_false(signing_demanded());
	put_text("sys/kernel/security/lockdown", "[none] integrity confidentiality\n");
	assert_false(signing_demanded());
	put_text("sys/kernel/security/lockdown", "none [integrity] confidentiality\n");
	assert_true(signing_demanded());
	put_text("sys/kernel/security/lockdown", "none integrity [confidentiality]\n");
	assert_true(signing_demanded());
	put_text("sys/kernel/security/lockdown", "[none] integrity confidentiality\n");
	put_text("sys/module/module/parameters/sig_enforce", "Y\n");
	assert_true(signing_demanded());
}

static void tells_how_to_make_a_key(void **state)
{
	struct signer *s;

	assert_refused(signer_open(&s), "MODULE-SIGNATURE", "mokutil --import /etc/kmend/module.crt");
	assert_ok(host_check_signing());
	put_text("sys/module/module/parameters/sig_enforce", "Y\n");
	assert_refused(host_check_signing(), "MODULE-SIGNATURE", "no key to sign with");
	/* Then a key is of no use. */
	put_text("proc/sys/kernel/modules_disabled", "1\n");
	assert_ok(host_check_signing());
}

/* Which of the places is taken. */
static void assert_signs_with(const char *certificate_name)
{
	_cleanup_free_ char *path = path_join(root_folder, certificate_name);
	struct signer *s;

	assert_ok(signer_open(&s));
	assert_string_equal(signer_certificate(s), path);
	signer_free(s);
}

static void takes_the_machines_key(void **state)
{
	put_key(DKMS_KEY, key, NULL);
	put_certificate(DKMS_CERT, false);
	assert_signs_with(DKMS_CERT);
	put_key("var/lib/shim-signed/mok/MOK.priv", key, NULL);
	put_certificate("var/lib/shim-signed/mok/MOK.der", false);
	assert_signs_with("var/lib/shim-signed/mok/MOK.der");
	put_key("etc/kmend/module.key", key, NULL);
	put_certificate("etc/kmend/module.crt", true);
	assert_signs_with("etc/kmend/module.crt");
}

static void refuses_keys_that_are_none(void **state)
{
	struct signer *s;

	put_text(DKMS_KEY, "a text");
	put_certificate(DKMS_CERT, false);
	assert_refused(signer_open(&s), "KEY-INVALID", "is no private key");
	put_key(DKMS_KEY, other_key, NULL);
	assert_refused(signer_open(&s), "KEY-INVALID", "is not the certificate of the key");
	put_key(DKMS_KEY, key, NULL);
	put_text(DKMS_CERT, "a text");
	assert_refused(signer_open(&s), "KEY-INVALID", "is no certificate");
	put_certificate(DKMS_CERT, false);
	change_mode(DKMS_CERT, 0622);
	assert_refused(signer_open(&s), "KEY-INVALID", "can be written by others");
	change_mode(DKMS_CERT, 0644);
	assert_signs_with(DKMS_CERT);
	change_mode(DKMS_KEY, 0620);
	assert_refused(signer_open(&s), "KEY-INVALID", "can be written by others");
}

static void asks_for_a_passphrase(void **state)
{
	struct signer *s;

	put_key(DKMS_KEY, key, "secret");
	put_certificate(DKMS_CERT, false);
	unsetenv("KBUILD_SIGN_PIN");
	assert_refused(signer_open(&s), "KEY-INVALID", "KBUILD_SIGN_PIN");
	setenv("KBUILD_SIGN_PIN", "wrong", 1);
	assert_refused(signer_open(&s), "KEY-INVALID", "KBUILD_SIGN_PIN");
	setenv("KBUILD_SIGN_PIN", "secret", 1);
	assert_signs_with(DKMS_CERT);
	unsetenv("KBUILD_SIGN_PIN");
}

/* Whether the DER at @der is a detached signature of @size bytes of @data by the certificate. */
static bool is_signature_of(const uint8_t *der, size_t len, const void *data, size_t size)
{
	CMS_ContentInfo *cms = d2i_CMS_ContentInfo(NULL, &der, len);
	STACK_OF(X509) *certificates = sk_X509_new_null();
	BIO *bio = BIO_new_mem_buf(data, size);
	bool good;

	assert_non_null(cms);
	/* The kernel takes no attributes that it does not know, and needs no certificates. */
	assert_null(CMS_get1_certs(cms));
	sk_X509_push(certificates, certificate);
	good = CMS_verify(cms, certificates, NULL, bio, NULL,
			  CMS_BINARY | CMS_DETACHED | CMS_NO_SIGNER_CERT_VERIFY) == 1;
	BIO_free(bio);
	sk_X509_free(certificates);
	CMS_ContentInfo_free(cms);
	return good;
}

static void signs_as_the_kernel_reads_it(void **state)
{
	static const char marker[] = "~Module signature appended~\n";
	uint8_t module[5000], *end;
	_cleanup_free_ void *out = NULL;
	struct signer *s;
	size_t size, len, i;

	for (i = 0; i < sizeof(module); i++)
		module[i] = i * i;
	put_key(DKMS_KEY, key, NULL);
	put_certificate(DKMS_CERT, false);
	assert_ok(signer_open(&s));
	assert_ok(signer_sign(s, module, sizeof(module), &out, &size));
	signer_free(s);

	end = (uint8_t *)out + size - strlen(marker);
	assert_memory_equal(end, marker, strlen(marker));
	end -= 12;
	/* mod_check_sig(): only the kind (PKCS#7) and the length may be there. */
	assert_memory_equal(end, "\0\0\2\0\0\0\0\0", 8);
	len = end[8] << 24 | end[9] << 16 | end[10] << 8 | end[11];
	assert_int_equal(size, sizeof(module) + len + 12 + strlen(marker));
	assert_memory_equal(out, module, sizeof(module));
	assert_true(is_signature_of(end - len, len, module, sizeof(module)));
	module[4000] ^= 1;
	assert_false(is_signature_of(end - len, len, module, sizeof(module)));
	module[4000] ^= 1;
	assert_false(is_signature_of(end - len, len, module, sizeof(module) - 1));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(knows_what_the_kernel_demands, set_up_root,
						tear_down_root),
		cmocka_unit_test_setup_teardown(tells_how_to_make_a_key, set_up_root,
						tear_down_root),
		cmocka_unit_test_setup_teardown(takes_the_machines_key, set_up_root,
						tear_down_root),
		cmocka_unit_test_setup_teardown(refuses_keys_that_are_none, set_up_root,
						tear_down_root),
		cmocka_unit_test_setup_teardown(asks_for_a_passphrase, set_up_root, tear_down_root),
		cmocka_unit_test_setup_teardown(signs_as_the_kernel_reads_it, set_up_root,
						tear_down_root),
	};

	return cmocka_run_group_tests(tests, set_up_all, tear_down_all);
}
